// Sentences of a novel as columns, in batches that are padded to their longest; sorted, little is padded.
// The page's cell leaves the length of every sentence in #padding-data.
(() => {
  const HIGH = 180, TOP = 6, SIZES = [1, 2, 4, 8, 16, 32, 64, 128];

  function start(root, all) {
    const $ = (selector) => root.querySelector(selector);
    const stage = $(".stage"), live = $("[aria-live]"), slider = $("input"), output = $("output");
    const come = $(".come"), sorted = $(".sorted"), many = [...root.querySelectorAll(".many button")];
    let byLength = false, lengths = all.slice(0, 64);
    many[2].textContent = `all ${all.length}`;
    const { svg, draw } = figures.canvas(stage);
    svg.removeAttribute("aria-hidden"); // its label says how much is pale
    svg.setAttribute("role", "img");
    const [real, pad] = ["real", "pad"].map((name) => draw("path", { class: name }));

    function refresh() {
      slider.max = SIZES.filter((size) => size <= lengths.length).length - 1; // the browser takes the value along
      const size = SIZES[slider.value], columns = byLength ? [...lengths].sort((a, b) => a - b) : lengths;
      const batches = [];
      for (let k = 0; k < columns.length; k += size) batches.push(columns.slice(k, k + size));
      const width = Math.max(1, Math.min(stage.clientWidth, 640));
      const between = size > 1 && batches.length <= 64 ? Math.min(6, (0.15 * width) / batches.length) : 0;
      const step = (width - between * (batches.length - 1)) / columns.length;
      const bar = step > 3 ? step - Math.min(1.5, step / 4) : step; // thin columns touch
      const unit = HIGH / Math.max(...columns);
      const column = (x, from, to) =>
        `M${x.toFixed(2)} ${(TOP + from * unit).toFixed(1)}h${bar.toFixed(3)}v${((to - from) * unit).toFixed(1)}h${-bar.toFixed(3)}z`;
      let x = 0, tokens = 0, computed = 0, filled = "", pale = "";
      for (const batch of batches) {
        const longest = Math.max(...batch);
        computed += longest * batch.length;
        for (const length of batch) {
          tokens += length;
          filled += column(x, 0, length);
          if (length < longest) pale += column(x, length, longest);
          x += step;
        }
        x += between;
      }
      real.setAttribute("d", filled);
      pad.setAttribute("d", pale);
      svg.setAttribute("viewBox", `0 0 ${width} ${HIGH + 2 * TOP}`);
      svg.style.width = `${width}px`;
      const share = ((100 * (computed - tokens)) / computed).toFixed(1);
      const what = `${batches.length === 1 ? "1 batch" : `${batches.length} batches`} of ${size}, ${byLength ? "sorted by length" : "as they come"}`;
      const ratio = (100 * (size - 1)) / (columns.length + size);
      live.textContent =
        `${what}: ${tokens} tokens and ${computed - tokens} of padding. ${share} % of the work is wasted` +
        (byLength && batches.length > 1 ? `; (B − 1) / (N + B) is ${ratio.toFixed(ratio < 1 ? 2 : 1)} %.` : ".");
      svg.setAttribute("aria-label", `${columns.length} columns, ${what}; of their area ${share} % is pale, the padding.`);
      output.textContent = size;
      slider.setAttribute("aria-valuetext", `${size} ${size === 1 ? "sentence" : "sentences"} per batch`);
      figures.press(come, !byLength);
      figures.press(sorted, byLength);
    }

    slider.oninput = refresh;
    come.onclick = () => { byLength = false; refresh(); };
    sorted.onclick = () => { byLength = true; refresh(); };
    many.forEach((button, chosen) => {
      button.onclick = () => {
        lengths = all.slice(0, [64, 512, all.length][chosen]);
        many.forEach((other) => figures.press(other, other === button));
        refresh();
      };
    });
    new ResizeObserver(refresh).observe(stage);
    refresh();
  }

  figures.begin("padding-figure", start, "padding-data");
})();
