// Six steps with two rows of switches and a direction: which inputs can reach the answer that the reader has chosen?
(() => {
  const N = 6, STEPS = [1, 2, 3, 4, 5, 6];
  const PRESETS = {
    "one to one": [[1], [1], 1],
    "one to many": [[1], STEPS, 6],
    "many to one": [STEPS, [6], 6],
    "aligned": [STEPS, STEPS, 4],
    "delayed": [[1, 2, 3, 4], [5, 6], 5],
    "wait 2": [[1, 2, 3, 4], [3, 4, 5, 6], 4],
  };
  const WAYS = {
    forward: { arrow: "→", reads: (i, t) => i <= t },
    backward: { arrow: "←", reads: (i, t) => i >= t },
    "both ways": { arrow: "⇄", reads: () => true },
  };

  function nameOf(ins, asks) {
    const same = (late) => ins.length === asks.length && ins.every((i, n) => asks[n] === i + late);
    if (!ins.length) return "Nothing comes in";
    if (!asks.length) return "Nobody asks";
    const late = asks[0] - ins[0], after = asks[0] - ins.at(-1);
    if (ins.length === 1) {
      if (asks.length === 1 && late === 0) return "One to one";
      if (asks.length > 1 && late >= 0) return "One to many";
    } else if (asks.length === 1) {
      if (after >= 0) return "Many to one";
    } else {
      if (same(0)) return "Many to many, aligned";
      if (after > 0) return "Many to many, delayed";
      if (late > 0 && same(late)) return `Many to many, aligned, each answer ${late} step${late > 1 ? "s" : ""} late`;
    }
    return "None of the five";
  }

  const list = (steps) => {
    const words = steps.map((i) => `<i>x</i><sub>${i}</sub>`);
    return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
  };

  function start(root) {
    const grid = root.querySelector(".chain"), live = root.querySelector("[aria-live]");
    let ins, asks, chosen, way = "forward";

    function add(parent, name, column, row, action) {
      const node = document.createElement(action ? "button" : "span");
      node.className = name;
      if (action) { node.type = "button"; node.onclick = action; } else node.setAttribute("aria-hidden", "true");
      if (column) { node.style.gridColumn = column; node.style.gridRow = row; }
      parent.append(node);
      return node;
    }
    function flip(steps, t) {
      return steps.includes(t) ? steps.filter((s) => s !== t) : [...steps, t].sort();
    }
    const row = (name, at, action) => STEPS.map((t) => add(grid, name, 2 * t - 1, at, () => { action(t); refresh(); }));
    const asked = row("ask", 1, (t) => { asks = flip(asks, t); if (asks.includes(t)) chosen = t; });
    const ups = STEPS.map((t) => add(grid, "wire", 2 * t - 1, 2));
    const boxes = row("step", 3, (t) => { chosen = t; });
    const wires = STEPS.slice(1).map((t) => add(grid, "wire", 2 * t - 2, 3)); // wires[n] joins steps n + 1 and n + 2
    const downs = STEPS.map((t) => add(grid, "wire", 2 * t - 1, 4));
    const inputs = row("in", 5, (t) => { ins = flip(ins, t); });

    const choices = (where, names, action) =>
      names.map((name) => {
        const button = add(root.querySelector(where), "choice", 0, 0, () => { action(name); refresh(); });
        button.textContent = name;
        return button;
      });
    const shapes = choices(".shapes", Object.keys(PRESETS), set);
    const ways = choices(".ways", Object.keys(WAYS), (name) => { way = name; });
    function set(name) { [ins, asks, chosen] = PRESETS[name]; }

    function refresh() {
      const { arrow, reads } = WAYS[way];
      const reached = ins.filter((i) => reads(i, chosen)), others = ins.filter((i) => !reads(i, chosen));
      const lost = ins.filter((i) => !asks.some((t) => reads(i, t)));
      const used = (n) => reached.some((i) => Math.min(i, chosen) <= n && n < Math.max(i, chosen));
      STEPS.forEach((t, n) => {
        const on = asks.includes(t), here = ins.includes(t);
        asked[n].innerHTML = on ? `<i>y</i><sub>${t}</sub>` : "–";
        figures.press(asked[n], on);
        asked[n].setAttribute("aria-label", `Ask at step ${t}`);
        asked[n].classList.toggle("chosen", on && t === chosen);
        inputs[n].innerHTML = here ? `<i>x</i><sub>${t}</sub>` : "–";
        figures.press(inputs[n], here);
        inputs[n].setAttribute("aria-label", `Input at step ${t}${reached.includes(t) ? ", can move the chosen answer" : ""}`);
        inputs[n].classList.toggle("reaches", reached.includes(t));
        boxes[n].textContent = t;
        figures.press(boxes[n], t === chosen);
        boxes[n].setAttribute("aria-label", `Choose the answer of step ${t}`);
        ups[n].textContent = on ? "↑" : "";
        downs[n].textContent = here ? "↑" : "";
        ups[n].classList.toggle("used", on && t === chosen);
        downs[n].classList.toggle("used", reached.includes(t));
      });
      wires.forEach((wire, n) => { wire.textContent = arrow; wire.classList.toggle("used", used(n + 1)); });
      const fits = ([i, a]) => String(i) === String(ins) && String(a) === String(asks);
      shapes.forEach((b) => figures.press(b, fits(PRESETS[b.textContent])));
      ways.forEach((b) => figures.press(b, b.textContent === way));

      const late = (/(\d) steps? late/.exec(nameOf(ins, asks)) || [0, 0])[1]; // then step t answers for word t - late
      const given = late ? `The answer for word ${chosen - late}, at step ${chosen},` : `The answer of step ${chosen}`;
      const answer = asks.includes(chosen) ? given : `Step ${chosen} is not asked; its state`;
      const rows = [`<b>${nameOf(ins, asks)}</b>, read ${way}.`];
      const not = others.length ? `; no weights can bring in ${list(others)}` : "";
      rows.push(`${answer} can depend on ${reached.length ? list(reached) + not : "no input, whatever the weights"}.`);
      if (lost.length) rows.push(`${list(lost)} can reach no answer that is asked, so no gradient comes back to ${lost.length > 1 ? "them" : "it"}.`);
      live.innerHTML = rows.map((line) => `<div>${line}</div>`).join("");
    }

    figures.arrowKeys(root, (by) => { chosen = Math.max(1, Math.min(N, chosen + by)); refresh(); });
    set("aligned");
    refresh();
  }

  figures.begin("shape-switches", start);
})();
