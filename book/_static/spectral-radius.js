// Gradient norm against steps back, for a recurrent matrix whose spectral radius the reader sets.
(() => {
  const SVG = "http://www.w3.org/2000/svg", TOP = 12, BOTTOM = -14;
  const KINDS = ["power", "linear", "tanh", "bound"];
  const superscript = (n) => [...String(n)].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c])).join("");
  const ten = (v) => `10${superscript(v)}`;
  const norm = (v) => (Math.abs(v) < 2 ? (10 ** v).toPrecision(2) : `${(10 ** (v - Math.floor(v))).toFixed(1)} · ${ten(Math.floor(v))}`);

  function start(root) {
    const source = document.getElementById("spectral-radius-data");
    if (!source) return; // outside the book the numbers are missing, and the sentence for them stays
    const data = JSON.parse(source.textContent), K = data.tanh[0].length - 1;
    const stage = root.querySelector(".stage"), live = root.querySelector("[aria-live]"), slider = root.querySelector("input");
    root.querySelector(".still").remove();
    root.querySelector(".moving").hidden = false;
    slider.max = data.radius.length - 1;
    slider.value = 0; // the page asks for a prediction at 0.9 and 1.5 first
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("aria-hidden", "true"); // the live text says the same in words
    stage.append(svg);

    function draw(name, attributes, text) {
      const node = document.createElementNS(SVG, name);
      for (const key in attributes) node.setAttribute(key, attributes[key]);
      if (text !== undefined) node.textContent = text;
      svg.append(node);
      return node;
    }

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
      const width = Math.min(Math.max(stage.clientWidth, 280), 640), height = 380, left = 46, right = width - 8, top = 10, base = height - 38;
      const x = (k) => left + ((right - left) * k) / K; // away from the loss, as in the plot below
      const y = (v) => top + ((TOP - v) / (TOP - BOTTOM)) * (base - top);
      svg.replaceChildren();
      svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      svg.style.width = `${width}px`;
      draw("defs", {}).innerHTML =
        `<clipPath id="spectral-radius-frame"><rect x="${left}" y="${top}" width="${right - left}" height="${base - top}"/></clipPath>`;
      for (let v = -12; v <= TOP; v += 4) {
        draw("path", { d: `M${left} ${y(v)}H${right}`, class: v ? "grid" : "grid one" });
        draw("text", { x: left - 6, y: y(v) + 4, class: "end" }, v ? ten(v) : "1");
      }
      for (let k = 0; k <= K; k += 10) draw("text", { x: x(k), y: base + 16, class: k === K ? "end" : "" }, k || "loss");
      draw("text", { x: (left + right) / 2, y: height - 4 }, "steps back from the loss");
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
      live.replaceChildren(...rows.map((row) => Object.assign(document.createElement("div"), { textContent: row })));
    }
    slider.addEventListener("input", refresh);
    new ResizeObserver(refresh).observe(stage);
    refresh();
  }

  document.querySelectorAll(".spectral-radius").forEach(start);
})();
