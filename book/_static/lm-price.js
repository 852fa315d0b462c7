// Sentences that come one character at a time: what two models expect, and what they pay for what comes.
// The page's cell leaves the numbers in #lm-price-data, for each sentence: text (the end included as one symbol), and
// for each model its name, p (of what came) and top (the likeliest five with their probabilities) at every step.
(() => {
  const visible = (c) => ({ " ": "␣", "<EOS>": "end" })[c] ?? c;
  const spoken = (c) => ({ " ": "a space", "<EOS>": "the end", ",": "a comma", ".": "a full stop", "?": "a question mark", '"': "a quotation mark" })[c] ?? c;
  const bits = (p) => -Math.log2(p);

  const isLetter = (c) => c.length === 1 && /\p{L}/u.test(c);

  function start(root, sentences) {
    let which = 0, text, models, T;
    const [said, stage, guesses, live] = [".said", ".stage", ".guesses", ".live"].map((s) => root.querySelector(s));
    let t = 0;
    const { clear, draw, text: write } = figures.canvas(stage);

    // Bits paid so far for first letters (kind 0), other letters (1), and spaces, marks and the end (2).
    function spent(model, kind) {
      let sum = 0;
      for (let k = 0; k < t; k++) {
        const of = !isLetter(text[k]) ? 2 : k > 0 && isLetter(text[k - 1]) ? 1 : 0;
        if (of === kind) sum += bits(model.p[k]);
      }
      return sum;
    }

    // One pair of bars per character that has come; the window follows the last one.
    function bars() {
      const slot = 21, high = 96, most = 12, top = 24, width = clear({ least: 280, most: 640, height: top + high + 28 });
      const fit = Math.floor((width - 30) / slot), from = Math.max(0, t - fit);
      write(4, 11, "bits paid", "unit");
      for (const level of [0, 5, 10]) {
        const y = top + high * (1 - level / most);
        draw("path", { d: `M26 ${y}H${width}`, class: "level" });
        write(20, y + 4, level, "tick");
      }
      for (let k = from; k < t; k++) {
        const x = 30 + slot * (k - from);
        models.forEach((model, m) => {
          const height = (Math.min(bits(model.p[k]), most) / most) * high;
          draw("rect", { x: x + 8 * m, y: top + high - height, width: 7, height, class: `bar model${m}` });
        });
        write(x + 8, top + high + 19, text[k] === "<EOS>" ? "■" : visible(text[k]), k === t - 1 ? "came last" : "came");
      }
    }

    function refresh() {
      bars();
      said.textContent = text.slice(0, t).filter((c) => c !== "<EOS>").join("") + (t < T ? "…" : "");
      guesses.replaceChildren(...models.map((model, m) => {
        const box = document.createElement("div");
        const total = model.p.slice(0, t).reduce((sum, p) => sum + bits(p), 0);
        const mean = t ? `, ${(total / t).toFixed(2)} a character` : "";
        const parts = ["first letters", "inside", "rest"].map((part, kind) => `${part} ${spent(model, kind).toFixed(1)}`);
        const whole = t ? `; ${t < T ? "so far " : ""}P = 2<sup>−${total.toFixed(1)}</sup>` : "";
        box.innerHTML = `<div class="name"><span class="swatch model${m}"></span>${model.name}</div><div class="paid">paid ${total.toFixed(1)} bits${mean}${whole}</div><div class="parts">${parts.join(" · ")}</div>`;
        // What it had expected of the character that has come: before that, the reader guesses.
        const list = document.createElement("ol");
        for (const [c, p] of t ? model.top[t - 1] : Array(5).fill(["?"])) {
          const item = document.createElement("li");
          item.innerHTML = `<span class="char"></span>`;
          item.firstChild.textContent = visible(c);
          item.classList.toggle("hit", t > 0 && c === text[t - 1]);
          if (t) item.innerHTML += `<span class="track"><span class="fill model${m}" style="width:${Math.max(100 * p, 0.5)}%"></span></span><span class="share">${p < 0.01 ? "< 1" : Math.round(100 * p)} %</span>`;
          list.append(item);
        }
        box.append(list);
        return box;
      }));
      const paid = models.map((m) => `${m.name} gave it ${Number((100 * m.p[t - 1]).toPrecision(2))} %, ${bits(m.p[t - 1]).toFixed(1)} bits`);
      live.textContent = t
        ? `Character ${t} of ${T} was ${spoken(text[t - 1])}: ${paid.join("; ")}.${t < T ? " Guess the next one." : ""}`
        : "Nothing has come yet. Guess the first character, then press Next.";
      figures.ends(root.querySelector(".back"), t === 0);
      for (const name of [".on", ".word"]) figures.ends(root.querySelector(name), t === T);
    }

    function choose(sentence) {
      which = sentence;
      ({ text, models } = sentences[which]);
      T = text.length;
      t = 0;
      root.querySelector(".which").textContent = `Sentence ${which + 1} of ${sentences.length}`;
      refresh();
    }

    function go(to) { t = Math.max(0, Math.min(T, to)); refresh(); }
    root.querySelector(".on").onclick = () => go(t + 1);
    root.querySelector(".back").onclick = () => go(t - 1);
    root.querySelector(".reset").onclick = () => go(0);
    root.querySelector(".other").onclick = () => choose((which + 1) % sentences.length);
    root.querySelector(".word").onclick = () => {
      const space = text.indexOf(" ", t);
      go(space < 0 ? T : space + 1);
    };
    figures.arrowKeys(root, (by) => go(t + by));
    choose(0);
    new ResizeObserver(bars).observe(stage);
  }

  figures.begin("lm-price", start, "lm-price-data");
})();
