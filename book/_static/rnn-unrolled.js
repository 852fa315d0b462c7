// A recurrent network of two units, unrolled over five letters, that the reader steps through and disturbs.
(() => {
  const LETTERS = "abc", WORD = "cabba";
  const W_xh = [[1, 0], [0, 1], [-1, 1]], W_hh = [[0.5, -1], [1, 0.5]], b_h = [0, 0];

  const times = (row, matrix) => [0, 1].map((j) => row.reduce((sum, v, i) => sum + v * matrix[i][j], 0));
  const show = (v) => (Math.abs(v) < 0.005 ? "0.00" : v.toFixed(2)).replace("-", "−");
  const vector = (row) => `[${row.map(show).join(", ")}]`;
  const oneHot = (letter) => [...LETTERS].map((l) => Number(l === letter));

  function run(word) {
    const steps = [{ h: [0, 0] }];
    for (const letter of word) {
      const x = oneHot(letter), prev = steps.at(-1).h;
      const fromInput = times(x, W_xh), fromState = times(prev, W_hh);
      const z = [0, 1].map((j) => fromInput[j] + fromState[j] + b_h[j]);
      steps.push({ letter, x, fromInput, fromState, z, h: z.map(Math.tanh) });
    }
    return steps;
  }

  function start(root) {
    const stage = root.querySelector(".stage"), live = root.querySelector("[aria-live]");
    const word = [...WORD], T = word.length;
    let steps = run(word), before = null, touched = 0, active = 1, folded = false;

    const { clear, draw, text, tip } = figures.canvas(stage);
    const letters = word.map((_, k) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "letter";
      button.onclick = () => change(k + 1);
      stage.append(button);
      return button;
    });

    const arrow = (path, name = "") => draw("path", { d: path, class: `wire ${name}`, "marker-end": "url(#rnn-tip)" });

    // Two upright bars about a zero line, and their numbers below.
    function state(x, t, known) {
      const zero = 46, high = 34;
      draw("path", { d: `M${x - 20} ${zero}H${x + 20}`, class: "zero" });
      text(x, 96 + 34, t ? `h${sub(t)}` : "h₀", "name");
      if (!t) text(x, zero - 8, "1  2", "faint"); // which bar is which unit
      if (!known) return text(x, zero - 8, "?", "faint");
      steps[t].h.forEach((v, j) => {
        const left = x - 17 + 19 * j;
        const bar = (value, name) =>
          draw("rect", { x: left, y: zero - Math.max(value, 0) * high, width: 15, height: Math.abs(value) * high, class: name });
        bar(v, `bar unit${j + 1}`);
        if (before && t >= touched) bar(before[t].h[j], "ghost");
        text(x, 98 + 15 * j, show(v), "number");
      });
      if (before && t) text(x, 8, differs(t) ? "changed" : "same", differs(t) ? "tag changed" : "tag");
    }
    const differs = (t) => steps[t].h.some((v, j) => Math.abs(v - before[t].h[j]) > 1e-9);
    const sub = (n) => String.fromCharCode(0x2080 + n);

    function cell(x, t) {
      const y = 158;
      draw("rect", { x: x - 22, y, width: 44, height: 34, rx: 7, class: t === active ? "cell active" : "cell" });
      text(x, y + 22, "tanh", "name");
      arrow(`M${x} ${y}V${y - 18}`);
    }

    function picture() {
      const width = clear({ least: 280, most: 620, height: 330 }), bus = 306;
      tip("rnn-tip", 9);
      const first = 34, gap = (width - first - 8) / T;
      const at = (t) => (folded ? width / 2 : t ? first + gap * (t - 0.5) + 6 : 24);
      const shown = folded ? [Math.max(active, 1)] : word.map((_, k) => k + 1);
      if (!folded) state(at(0), 0, true);
      for (const t of shown) {
        const x = at(t), known = before !== null || t <= active;
        state(x, t, known);
        cell(x, t);
        if (folded) {
          arrow(`M${x + 22} 168H${x + 62}V214H${x - 58}V176H${x - 24}`, "loop");
          text(x + 84, 196, "one step later", "faint start");
        } else {
          const from = t > 1 ? at(t - 1) + 22 : 24;
          arrow(t > 1 ? `M${from} 175H${x - 24}` : `M24 140V175H${x - 24}`, t === active ? "active" : "");
        }
        // The riser brings the shared weights to the copy's corner.
        arrow(`M${x + 9} 238V194`, t === active ? "active" : "");
        draw("path", { d: `M${x - 17} ${bus}V192`, class: "shared" });
        text(x + 4, 290, steps[t].x.join(" "), "onehot");
      }
      draw("path", { d: `M${at(shown[0]) - 17} ${bus}H${Math.max(at(shown.at(-1)) - 17, width / 2)}M${width / 2} ${bus}V330`, class: "shared" });
      letters.forEach((button, k) => {
        button.hidden = folded && k + 1 !== shown[0];
        button.style.left = `${at(k + 1) - 11 + (stage.clientWidth - width) / 2}px`;
        button.textContent = word[k];
        button.setAttribute("aria-label", `Letter ${k + 1} of ${T} is ${word[k]}. Change it.`);
        button.classList.toggle("active", k + 1 === active);
      });
      figures.ends(root.querySelector(".back"), active === 0);
      figures.ends(root.querySelector(".on"), active === T);
      figures.press(root.querySelector(".fold"), folded);
    }

    function say() {
      const rows = [];
      const states = (ts) => (ts.length === 1 ? `State ${ts}` : `States ${ts.join(", ")}`);
      if (before) {
        const all = word.map((_, k) => k + 1), moved = all.filter(differs), kept = all.filter((t) => !differs(t));
        const stayed = kept.length ? ` ${states(kept)} stayed.` : "";
        rows.push(["", `Letter ${touched} is now ${word[touched - 1]}. ${states(moved)} changed.${stayed}`]);
      }
      if (active === 0) rows.push(["", `Before the first letter the state is zero: h<sub>0</sub> = ${vector(steps[0].h)}. Press Next.`]);
      else {
        const s = steps[active], [x, h, z] = ["x", "h", "z"].map((name) => `${name}<sub>${active}</sub>`);
        rows.push(["", `Step ${active} of ${T} reads ${s.letter}: ${x} = [${s.x.join(", ")}]`]);
        rows.push([`${x} W<sub>xh</sub>`, `${vector(s.fromInput)}, row ${s.letter} of W<sub>xh</sub>`]);
        rows.push([`+ h<sub>${active - 1}</sub> W<sub>hh</sub>`, vector(s.fromState)], ["+ b<sub>h</sub>", vector(b_h)]);
        rows.push([`= ${z}`, vector(s.z)], [`${h} = tanh ${z}`, vector(s.h)]);
      }
      const line = ([name, value]) => `<div>${name && `<span class="term">${name}</span> `}${value}</div>`;
      live.innerHTML = rows.map(line).join("");
    }

    function refresh() { picture(); say(); }
    function go(t) { active = Math.max(0, Math.min(T, t)); refresh(); }
    function change(k) {
      before = steps;
      touched = k;
      word[k - 1] = LETTERS[(LETTERS.indexOf(word[k - 1]) + 1) % 3];
      steps = run(word);
      go(k);
    }
    function reset() {
      word.splice(0, T, ...WORD);
      steps = run(word);
      before = null;
      go(1);
    }

    root.querySelector(".on").onclick = () => go(active + 1);
    root.querySelector(".back").onclick = () => go(active - 1);
    root.querySelector(".reset").onclick = reset;
    root.querySelector(".fold").onclick = () => { folded = !folded; picture(); };
    figures.arrowKeys(root, (by) => go(active + by));
    new ResizeObserver(picture).observe(stage);
    refresh();
  }

  figures.begin("rnn-unrolled", start);
})();
