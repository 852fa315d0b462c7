// One real distribution of the trained model, and what temperature, top-k and nucleus leave of it.
// The page's cell leaves in #sampling-knobs-data a list of {context, tokens, logits}, likeliest first.
(() => {
  const SHOWN = 25, ALL = 26; // the slider's last place keeps every token
  const visible = (c) => ({ " ": "␣", "<EOS>": "end" })[c] ?? c;

  // As course_lib.recurrent.sampling.sample does it: temperature, then k, then p, then to 1 again.
  function knobs(logits, temperature, k, p) {
    const e = logits.map((z) => Math.exp((z - logits[0]) / temperature));
    const soft = e.map((v) => v / e.reduce((a, b) => a + b));
    let q = soft.map((v, i) => (i < k ? v : 0));
    const whole = q.reduce((a, b) => a + b);
    let sum = 0;
    q = q.map((v, i) => {
      const likelier = sum;
      sum += v / whole;
      return i === 0 || p === 1 || likelier < p - 1e-12 ? v : 0;
    });
    const left = q.reduce((a, b) => a + b);
    return { soft, q: q.map((v) => v / left) };
  }

  function start(root, data) {
    const $ = (name) => root.querySelector(`.${name}`);
    const [context, temperature, k, p, live, drawn, stage] = ["context", "temperature", "k", "p", "live", "drawn", "stage"].map($);
    data.forEach((d, i) => context.add(new Option(`“${d.context}”`, i)));
    const { clear, draw, text } = figures.canvas(stage);
    let now;

    function picture() {
      const d = data[context.value], high = 150, width = clear({ least: 300, most: 640, height: high + 34 }), slot = (width - 34) / SHOWN;
      const before = knobs(d.logits, 1, d.logits.length, 1).soft, most = Math.max(now.q[0], before[0]);
      const top = [0.2, 0.5, 1].find((v) => v >= most) ?? 1, y = (v) => 12 + high * (1 - v / top);
      for (const level of [0, top / 2, top]) {
        draw("path", { d: `M32 ${y(level)}H${width}`, class: "level" });
        text(28, y(level) + 4, `${100 * level} %`, "tick");
      }
      now.q.slice(0, SHOWN).forEach((q, i) => {
        const x = 34 + slot * i;
        draw("rect", { x: x + 1, y: y(q), width: slot - 3, height: (high * q) / top, class: "bar" });
        draw("path", { d: `M${x} ${y(before[i])}H${x + slot - 1}`, class: "before" });
        text(x + slot / 2 - 0.5, high + 28, visible(d.tokens[i]), q ? "came" : "came out");
      });
    }

    function refresh() {
      const d = data[context.value], kept = Number(k.value) === ALL ? d.logits.length : Number(k.value);
      now = knobs(d.logits, Number(temperature.value), kept, Number(p.value));
      k.setAttribute("aria-valuetext", Number(k.value) === ALL ? "all" : k.value);
      $("temperature-value").textContent = Number(temperature.value).toFixed(2);
      $("k-value").textContent = Number(k.value) === ALL ? "all" : k.value;
      $("p-value").textContent = Number(p.value).toFixed(2);
      picture();
      const left = now.q.filter((v) => v > 0), bits = -left.reduce((sum, v) => sum + v * Math.log2(v), 0);
      const best = Math.round(100 * now.q[0]);
      live.textContent = `${left.length} of ${d.tokens.length} tokens are left; ${visible(d.tokens[0])} has ${best} %; entropy ${Math.abs(bits).toFixed(2)} bits.`;
      drawn.textContent = "";
    }

    $("draw").onclick = () => {
      const tokens = data[context.value].tokens, got = [];
      for (let n = 0; n < 20; n++) {
        let u = Math.random(), i = 0;
        while (i < now.q.length - 1 && u >= now.q[i]) u -= now.q[i++];
        got.push(visible(tokens[i]));
      }
      drawn.textContent = `Drawn: ${got.join(" ")}`;
    };
    $("reset").onclick = () => { temperature.value = 1; k.value = ALL; p.value = 1; refresh(); };
    for (const input of [context, temperature, k, p]) input.addEventListener("input", refresh);
    new ResizeObserver(picture).observe(stage);
    refresh();
  }

  figures.begin("sampling-knobs", start, "sampling-knobs-data");
})();
