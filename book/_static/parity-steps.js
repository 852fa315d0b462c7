// The parity machine and the network of two units that was built by hand for it, side by side over twelve bits.
(() => {
  const BITS = "110100000000", LONG = 1000;

  const weights = (k) => ({ W_xh: [k, k], W_hh: [[k / 2, k / 2], [-k / 2, -k / 2]], b_h: [-k / 2, -1.5 * k], W_hy: [k / 2, -k / 2], b_y: [-k / 2] });
  const show = (v, digits = 3) => (Math.abs(v) < 0.5 / 10 ** digits ? 0 : v).toFixed(digits).replace("-", "−");
  const sub = (n) => `<sub>${n}</sub>`;
  const name = (odd) => (odd ? "odd" : "even");

  function read(bits, k) {
    const { W_xh, W_hh, b_h } = weights(k);
    const steps = [{ h: [0, 0], s: 0, odd: 0, y: 1 / (1 + Math.exp(k / 2)), right: true }];
    for (const x of bits) {
      const { h, odd } = steps.at(-1);
      const next = [0, 1].map((j) => Math.tanh(x * W_xh[j] + h[0] * W_hh[0][j] + h[1] * W_hh[1][j] + b_h[j]));
      const s = (next[0] - next[1]) / 2;
      steps.push({ x, h: next, s, odd: odd ^ x, y: 1 / (1 + Math.exp(-k * (s - 0.5))), right: s > 0.5 === Boolean(odd ^ x) });
    }
    return steps;
  }

  function start(root) {
    const find = (selector) => root.querySelector(selector);
    const stage = find(".stage"), live = find("[aria-live]"), slider = find("input");
    const bits = [...BITS].map(Number), T = bits.length;
    let steps, active = 4;

    const { clear, draw, text } = figures.canvas(stage);
    const buttons = bits.map((_, k) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "bit";
      button.onclick = () => { bits[k] = 1 - bits[k]; go(k + 1); };
      stage.append(button);
      return button;
    });

    const path = (d, kind) => draw("path", { d, class: kind });
    // The arrow of the step that was just read is drawn thick.
    const arrow = (d, tip, on) => { path(d, on ? "wire taken" : "wire"); path(tip, "tip"); };

    function finger(now) {
      const [even, odd, y] = [52, 160, 62], moved = now.x === 1, loop = now.x === 0;
      [[even, 0], [odd, 1]].forEach(([x, state]) => {
        const here = now.odd === state;
        draw("circle", { cx: x, cy: y, r: 27, class: here ? "place here" : "place" });
        text(x, y + 5, name(state), here ? "strong" : "");
        arrow(`M${x - 11} ${y - 26}C${x - 30} ${y - 58} ${x + 30} ${y - 58} ${x + 12} ${y - 30}`, `M${x + 11} ${y - 25}l7 -8l-10 -4z`, here && loop);
        text(x, y - 55, "0");
      });
      arrow(`M${even + 23} ${y - 15}Q106 ${y - 32} ${odd - 28} ${y - 19}`, `M${odd - 22} ${y - 15}l-10 -8l-1 8z`, moved && now.odd === 1);
      arrow(`M${odd - 23} ${y + 15}Q106 ${y + 32} ${even + 28} ${y + 19}`, `M${even + 22} ${y + 15}l10 8l1 -8z`, moved && now.odd === 0);
      text(106, y - 29, "1");
      text(106, y + 39, "1");
      text(106, 120, "the finger", "faint");
    }

    function state(left, now) { // two upright bars about a zero line
      const zero = 52, high = 40;
      path(`M${left - 6} ${zero}H${left + 86}`, "zero");
      now.h.forEach((v, j) => {
        const x = left + 8 + 44 * j;
        draw("rect", { x, y: zero - Math.max(v, 0) * high, width: 24, height: Math.abs(v) * high, class: `bar unit${j + 1}` });
        text(x + 12, 8, `h${"⁽¹⁾ ⁽²⁾".split(" ")[j]}`, "name");
        text(x + 12, 106, show(v, 2), "number");
      });
      text(left + 40, 120, "the network", "faint");
    }

    function picture() {
      const width = clear({ least: 280, most: 560, height: 302, top: -12 }), left = 44, low = 236, high = 156;
      const gap = (width - left) / T, at = (t) => left + gap * (t - 0.5), level = (s) => low - s * (low - high);
      finger(steps[active]);
      state(width > 420 ? 300 : width - 96, steps[active]);
      if (active) draw("rect", { x: at(active) - gap / 2, y: high - 14, width: gap, height: low - high + 26, class: "now" });
      for (const [s, label] of [[1, "odd"], [0.5, "½"], [0, "even"]]) {
        path(`M${left - 4} ${level(s)}H${width}`, s === 0.5 ? "zero half" : "zero");
        text(18, level(s) + 4, label);
      }
      steps.forEach(({ s, odd, right }, t) => {
        if (!t) return;
        const x = at(t), later = t > active ? " later" : "";
        draw("circle", { cx: x, cy: level(odd), r: 8, class: `place${later}` });
        if (right) draw("circle", { cx: x, cy: level(s), r: 4.5, class: `dot${later}` });
        else path(`M${x - 5} ${level(s) - 5}l10 10m0 -10l-10 10`, `cross${later}`);
      });
      buttons.forEach((button, k) => {
        button.style.left = `${at(k + 1) - 12 + (stage.clientWidth - width) / 2}px`;
        button.textContent = bits[k];
        button.setAttribute("aria-label", `Bit ${k + 1} of ${T} is ${bits[k]}. Change it.`);
        button.classList.toggle("active", k + 1 === active);
      });
      figures.ends(find(".back"), active === 0);
      figures.ends(find(".on"), active === T);
    }

    function say() {
      const k = Number(slider.value), { W_xh, W_hh, b_h, W_hy, b_y } = weights(k);
      const row = (numbers) => `[${numbers.map((v) => String(Number(v.toFixed(2))).replace("-", "−")).join(", ")}]`;
      const put = (selector, what) => { find(selector).textContent = what; };
      put("output", k);
      put(".W_xh", row(W_xh));
      put(".W_hh", W_hh.map(row).join(", "));
      put(".b_h", row(b_h));
      put(".W_hy", W_hy.map((v) => row([v])).join(", "));
      put(".b_y", row(b_y));
      slider.setAttribute("aria-valuetext", `steepness ${k}`);
      const { x, h, s, odd, y, right } = steps[active];
      const lost = (all) => all.filter((step) => !step.right).length;
      const long = read([...bits, ...Array(LONG).fill(0)], k).slice(T + 1);
      live.innerHTML = [
        active ? `Step ${active} of ${T} reads ${x}. The finger is on ${name(odd)}.` : "Before the first bit the finger is on even. Press Next.",
        `h${sub(active)} = [${h.map((v) => show(v)).join(", ")}], s${sub(active)} = ${show(s)}, probability of odd ${show(y)}: ${right ? "right" : "wrong"}.`,
        `Steepness ${k}: wrong at ${lost(steps)} of these ${T} steps, and at ${lost(long)} of ${LONG} zeros read after them.`,
      ].map((sentence) => `<div>${sentence}</div>`).join("");
    }

    function refresh() { steps = read(bits, Number(slider.value)); picture(); say(); }
    function go(t) { active = Math.max(0, Math.min(T, t)); refresh(); }

    slider.oninput = refresh;
    find(".on").onclick = () => go(active + 1);
    find(".back").onclick = () => go(active - 1);
    find(".reset").onclick = () => { bits.splice(0, T, ...[...BITS].map(Number)); slider.value = 8; go(4); };
    figures.arrowKeys(root, (by) => go(active + by), slider);
    root.addEventListener("keydown", (event) => {
      if (event.target === slider || event.ctrlKey || event.altKey || event.metaKey) return;
      if ((event.key === "0" || event.key === "1") && active < T) { bits[active] = Number(event.key); go(active + 1); }
    });
    new ResizeObserver(picture).observe(stage);
    refresh();
  }

  figures.begin("parity-steps", start);
})();
