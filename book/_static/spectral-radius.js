// Gradient norm against steps back, for a recurrent matrix whose spectral radius the reader sets.
(() => {
  const TOP = 12, BOTTOM = -14;
  const KINDS = ["power", "linear", "tanh", "bound"];
  const superscript = (n) => [...String(n)].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c])).join("");
  const ten = (v) => `10${superscript(v)}`;
  const norm = (v) => (Math.abs(v) < 2 ? (10 ** v).toPrecision(2) : `${(10 ** (v - Math.floor(v))).toFixed(1)} · ${ten(Math.floor(v))}`);

  function start(root, data) {
    const K = data.tanh[0].length - 1;
    const stage = root.querySelector(".stage"), live = root.querySelector("[aria-live]"), slider = root.querySelector("input");
    slider.max = data.radius.length - 1;
    slider.value = 0; // the page asks for a prediction at 0.9 and 1.5 first
    const { clear, draw, text } = figures.canvas(stage);


    function curves(i) {
      const steps = Array.from({ length: K + 1 }, (_, k) => k), radius = data.radius[i];
      return {
        power: steps.map((k) => k * Math.log10(radius)),
        bound: steps.map((k) => k * Math.log10(radius * data.stretch)),
        linear: data.linear[i],
        tanh: data.tanh[i],
      };
    }

    function refresh() {
      const i = Number(slider.value), radius = data.radius[i], all = curves(i);
      const height = 380, width = clear({ least: 280, most: 640, height }), left = 46, right = width - 8, top = 10, base = height - 38;
      const x = (k) => left + ((right - left) * k) / K; // away from the loss, as in the plot below
      const y = (v) => top + ((TOP - v) / (TOP - BOTTOM)) * (base - top);
      draw("defs", {}).innerHTML =
        `<clipPath id="spectral-radius-frame"><rect x="${left}" y="${top}" width="${right - left}" height="${base - top}"/></clipPath>`;
      for (let v = -12; v <= TOP; v += 4) {
        draw("path", { d: `M${left} ${y(v)}H${right}`, class: v ? "grid" : "grid one" });
        text(left - 6, y(v) + 4, v ? ten(v) : "1", "end");
      }
      for (let k = 0; k <= K; k += 10) text(x(k), base + 16, k || "loss", k === K ? "end" : "");
      text((left + right) / 2, height - 4, "steps back from the loss");
      for (const kind of KINDS)
        draw("path", {
          d: all[kind].map((v, k) => `${k ? "L" : "M"}${x(k).toFixed(1)} ${y(v).toFixed(1)}`).join(""),
          class: `curve ${kind}`,
          "clip-path": "url(#spectral-radius-frame)",
        });
      root.querySelector("output").textContent = radius.toFixed(2);
      slider.setAttribute("aria-valuetext", `spectral radius ${radius.toFixed(2)}`);
      const rows = [
        `Spectral radius ${radius.toFixed(2)}, largest singular value ${(radius * data.stretch).toFixed(2)}. After ${K} steps back:`,
        `${radius.toFixed(2)} to the power of ${K} is ${norm(all.power[K])}; without tanh the gradient is ${norm(all.linear[K])};`,
        `with tanh it is ${norm(all.tanh[K])}. The mean slope of the tanh is ${data.slope[i].toFixed(2)}.`,
      ];
      figures.rows(live, rows);
    }
    slider.addEventListener("input", refresh);
    new ResizeObserver(refresh).observe(stage);
    refresh();
  }

  figures.begin("spectral-radius", start, "spectral-radius-data");
})();
