// Ten numbered words and a unit that says yes on one side of a threshold; the reader moves threshold and words.
(() => {
  const WORDS = "a the on is cat dog sat mat grass .".split(" ");
  const NOUNS = new Set(["cat", "dog", "mat", "grass"]);
  const T = WORDS.length;
  const thresholds = Array.from({ length: T + 1 }, (_, k) => k);
  const isNoun = (word) => NOUNS.has(word);
  const turns = (words) => words.filter((word, k) => k && isNoun(word) !== isNoun(words[k - 1])).length;
  const right = (words, k, above) => words.filter((word, n) => (n >= k) === above === isNoun(word)).length;
  const best = (words) =>
    thresholds
      .flatMap((k) => [true, false].map((above) => ({ k, above, right: right(words, k, above) })))
      .reduce((all, one) => (one.right > all.right ? one : all));

  function start(root) {
    const find = (selector) => root.querySelector(selector);
    const slider = find("input"), side = find(".side"), live = find("[aria-live]");
    let words = [...WORDS], above = true;
    const boxes = words.map((_, k) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "word";
      // Its neighbour comes along: the numbering stays one.
      button.onclick = () => {
        const other = k === T - 1 ? k - 1 : k + 1;
        [words[k], words[other]] = [words[other], words[k]];
        refresh();
      };
      find(".line").append(button);
      return button;
    });

    function refresh() {
      const cut = Number(slider.value);
      boxes.forEach((button, k) => {
        const yes = k >= cut === above, fits = yes === isNoun(words[k]);
        button.innerHTML = `<span class="number">${k}</span><b>${words[k]}</b><span class="verdict">${fits ? "✓" : "✗"}</span>`;
        button.classList.toggle("yes", yes);
        button.classList.toggle("noun", isNoun(words[k]));
        button.classList.toggle("wrong", !fits);
        button.classList.toggle("cut", k === cut);
        button.classList.toggle("cut-after", k === T - 1 && cut === T);
        const kind = isNoun(words[k]) ? "a noun" : "no noun", said = `${yes ? "yes" : "no"}, ${fits ? "right" : "wrong"}`;
        button.setAttribute("aria-label", `Number ${k}, ${words[k] === "." ? "full stop" : words[k]}, ${kind}; the unit says ${said}. Swap it with the ${k === T - 1 ? "one before" : "next"}.`);
      });
      side.textContent = above ? "yes from the threshold on" : "yes below the threshold";
      slider.setAttribute("aria-valuetext", `threshold before number ${cut}`);
      const count = turns(words);
      figures.rows(live, [
        `The unit is right about ${right(words, cut, above)} of the ${T} words; best possible: ${best(words).right} of ${T}.`,
        `This numbering has ${count} ${count === 1 ? "turn" : "turns"}.`,
      ]);
    }
    const put = (order) => { words = order; refresh(); };
    slider.oninput = refresh;
    side.onclick = () => { above = !above; refresh(); };
    find(".best").onclick = () => {
      const most = best(words);
      slider.value = most.k;
      above = most.above;
      refresh();
    };
    find(".shuffle").onclick = () => put(WORDS.map((word) => [Math.random(), word]).sort((a, b) => a[0] - b[0]).map(([, word]) => word));
    find(".reset").onclick = () => { slider.value = 2; above = true; put([...WORDS]); };
    refresh();
  }

  figures.begin("one-threshold", start);
})();
