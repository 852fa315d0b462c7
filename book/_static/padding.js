// The first sentences of a novel as columns, in batches that are padded to their longest; sorted, little is padded.
(() => {
  const SVG = "http://www.w3.org/2000/svg", HIGH = 180, TOP = 6, SIZES = [1, 2, 4, 8, 16, 32];

  function start(root) {
    const lengths = root.dataset.lengths.split(" ").map(Number);
    const stage = root.querySelector(".stage"), live = root.querySelector("[aria-live]");
    const slider = root.querySelector("input"), output = root.querySelector("output");
    const come = root.querySelector(".come"), sorted = root.querySelector(".sorted");
    let byLength = false;
    root.querySelector(".still").remove();
    root.querySelector(".moving").hidden = false;
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("aria-hidden", "true"); // the live text says the same in numbers
    stage.append(svg);

    function rect(x, y, width, height, name) {
      const node = document.createElementNS(SVG, "rect");
      const attributes = { x, y, width, height, class: name };
      for (const key in attributes) node.setAttribute(key, attributes[key]);
      svg.append(node);
    }

    function refresh() {
      const size = SIZES[slider.value], columns = byLength ? [...lengths].sort((a, b) => a - b) : lengths;
      const batches = [];
      for (let k = 0; k < columns.length; k += size) batches.push(columns.slice(k, k + size));
      const width = Math.min(stage.clientWidth, 640), between = size > 1 ? Math.min(6, 96 / batches.length) : 0;
      const step = (width - between * (batches.length - 1)) / columns.length, bar = step - Math.min(1.5, step / 4);
      const unit = HIGH / Math.max(...columns);
      svg.replaceChildren();
      svg.setAttribute("viewBox", `0 0 ${width} ${HIGH + 2 * TOP}`);
      svg.style.width = `${width}px`;
      let x = 0, computed = 0;
      for (const batch of batches) {
        const longest = Math.max(...batch);
        computed += longest * batch.length;
        for (const length of batch) {
          rect(x, TOP, bar, length * unit, "real");
          if (length < longest) rect(x, TOP + length * unit, bar, (longest - length) * unit, "pad");
          x += step;
        }
        x += between;
      }
      const real = columns.reduce((sum, length) => sum + length, 0), share = Math.round((100 * (computed - real)) / computed);
      const count = batches.length === 1 ? "1 batch" : `${batches.length} batches`;
      live.textContent =
        `${count} of ${size}, ${byLength ? "sorted by length" : "as they come"}: ` +
        `${real} tokens and ${computed - real} of padding. ${share} % of the work is wasted.`;
      output.textContent = size;
      slider.setAttribute("aria-valuetext", `${size} ${size === 1 ? "sentence" : "sentences"} per batch`);
      come.setAttribute("aria-pressed", String(!byLength));
      sorted.setAttribute("aria-pressed", String(byLength));
    }

    slider.oninput = refresh;
    come.onclick = () => { byLength = false; refresh(); };
    sorted.onclick = () => { byLength = true; refresh(); };
    new ResizeObserver(refresh).observe(stage);
    refresh();
  }

  document.querySelectorAll(".padding-figure").forEach(start);
})();
