// The backward pass of a one-unit network, step by step, and what each loss says about each use of the weight.
(() => {
  const T = 5, XS = [1, 0, 0, 0, 0];
  const steps = Array.from({ length: T }, (_, i) => i + 1);
  const sub = (n) => String.fromCharCode(0x2080 + n);
  const show = (v) => String(Number(v.toFixed(4)));

  function start(root) {
    const stage = root.querySelector(".stage"), live = root.querySelector("[aria-live]");
    let at = T + 1, reach = T, chunks = false, w, hs, full;
    const { clear, draw, text, tip } = figures.canvas(stage);

    // Does the loss of step t reach the use of the weight at step k?
    const heard = (t, k) =>
      t >= k && (chunks ? Math.floor((t - 1) / reach) === Math.floor((k - 1) / reach) : t - k < reach);
    const from = (t, k) => w ** (t - k); // the gradient of loss t at the state k
    const later = (k) => steps.filter((t) => t > k && heard(t, k));
    const implicit = (k) => later(k).reduce((sum, t) => sum + from(t, k), 0);
    const share = (k) => (1 + implicit(k)) * hs[k - 1];
    const sum = (k) => steps.filter((j) => j >= k).reduce((all, j) => all + share(j), 0);

    const wire = (d, name) => draw("path", { d, class: `wire ${name}`, "marker-end": "url(#bptt-tip)" });

    function picture() {
      const width = clear({ least: 300, most: 620, height: 378 }), left = 46, gap = (width - left - 2) / T;
      const x = (k) => left + gap * (k - 0.5), row = (t) => 176 + 30 * (t - 1), foot = row(T) + 44;
      tip("bptt-tip", 10);
      text(left - 24, 96, "h₀", "name");
      for (const k of steps) {
        const done = k >= at, now = k === at ? "now" : done ? "done" : "ahead", carried = implicit(k - 1);
        text(x(k), 18, `ℓ${sub(k)}`, "name");
        wire(`M${x(k)} 26V74`, now);
        if (done) text(x(k) + 4, 54, "1", "start");
        draw("rect", { x: x(k) - 17, y: 76, width: 34, height: 30, rx: 7, class: `cell ${now}` });
        text(x(k), 96, `h${sub(k)}`, "name");
        if (k > 1) {
          wire(`M${x(k) - 17} 91H${x(k - 1) + 19}`, carried ? (k - 1 === at ? "now" : k - 1 > at ? "done" : "ahead") : "cut");
          if (k - 1 >= at) text((x(k) + x(k - 1)) / 2, gap < 84 ? 70 : 84, carried ? show(carried) : "0", "small");
        }
        wire(`M${x(k)} 106V150`, now);
        if (done) text(x(k) - 5, 132, `×${show(hs[k - 1])}`, "end small");
        for (const t of steps.filter((t) => t >= k)) {
          const name = !heard(t, k) ? "box out" : done ? `box in ${now}` : "box";
          draw("rect", { x: x(k) - gap / 2 + 2, y: row(t) - 20, width: gap - 4, height: 27, rx: 4, class: name });
          text(x(k), row(t), !heard(t, k) ? "cut" : done ? show(from(t, k) * hs[k - 1]) : "", heard(t, k) ? "entry" : "entry lost");
        }
        if (done) text(x(k), foot, show(share(k)), `share ${now}`);
      }
      for (const t of steps) text(left - 24, row(t), `ℓ${sub(t)}`, "name");
      draw("path", { d: `M4 ${foot - 22}H${width - 4}`, class: "rule" });
      text(left - 24, foot, "sum", "small");
      text(width / 2, foot + 28, at > T ? "" : `dL/dw so far: ${show(sum(at))}`, "total");
      root.querySelectorAll("[data-w]").forEach((b) => figures.press(b, Number(b.dataset.w) === w));
      root.querySelectorAll("[data-k]").forEach((b) => figures.press(b, Number(b.dataset.k) === reach));
      root.querySelectorAll("[data-chunks]").forEach((b) => figures.press(b, (b.dataset.chunks === "1") === chunks));
      figures.ends(root.querySelector(".on"), at === 1);
      figures.ends(root.querySelector(".undo"), at > T);
    }

    function say() {
      const rows = [];
      if (at > T) {
        rows.push(`Forward: h₁ … h₅ are ${steps.map((t) => show(hs[t])).join(", ")}. The loss is their sum. Now step back.`);
      } else {
        const lost = steps.filter((t) => t > at && !heard(t, at));
        rows.push(`Step ${at}. Its own loss says 1.`);
        if (at < T)
          rows.push(
            later(at).length
              ? `Through h${sub(at + 1)} comes ${later(at).map((t) => show(from(t, at))).join(" + ")}${later(at).length > 1 ? ` = ${show(implicit(at))}` : ""} from later losses.`
              : `Through h${sub(at + 1)} comes nothing.`,
            ...(lost.length ? [`Cut off: ${lost.map((t) => `ℓ${sub(t)}`).join(", ")}.`] : []),
          );
        rows.push(`dh${sub(at)} = ${show(1 + implicit(at))}. Here the weight met h${sub(at - 1)} = ${show(hs[at - 1])}, so it gets ${show(share(at))}.`);
        rows.push(`Sum so far: ${show(sum(at))}${at === 1 ? `, of a true dL/dw of ${show(full)}` : ""}.`);
      }
      figures.rows(live, rows);
    }
    function weigh(value) {
      w = value;
      hs = [0];
      XS.forEach((x) => hs.push(w * hs.at(-1) + x)); // hs[t] is the state after step t; the loss is their sum
      full = steps.reduce((all, j) => all + steps.filter((t) => t >= j).reduce((s, t) => s + from(t, j), 0) * hs[j - 1], 0);
    }

    const refresh = () => { picture(); say(); };
    const go = (t) => { at = Math.max(1, Math.min(T + 1, t)); refresh(); };
    root.querySelector(".on").onclick = () => go(at - 1);
    root.querySelector(".undo").onclick = () => go(at + 1);
    root.querySelector(".reset").onclick = () => go(T + 1);
    root.querySelectorAll("[data-w]").forEach((b) => (b.onclick = () => { weigh(Number(b.dataset.w)); refresh(); }));
    root.querySelectorAll("[data-k]").forEach((b) => (b.onclick = () => { reach = Number(b.dataset.k); refresh(); }));
    root.querySelectorAll("[data-chunks]").forEach((b) => (b.onclick = () => { chunks = b.dataset.chunks === "1"; refresh(); }));
    figures.arrowKeys(root, (by) => go(at + by)); // time runs to the right, and we go back
    weigh(0.5);
    new ResizeObserver(picture).observe(stage);
    refresh();
  }

  figures.begin("bptt-flow", start);
})();
