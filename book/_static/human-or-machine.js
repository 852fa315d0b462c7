// Did the novelist write it, or the model? Twelve snippets in an order of their own for each game; keeps the score.
// The page's cell leaves {lengths, snippets: [{text, human, length, judge}]} in #human-or-machine-data; `judge` of a
// snippet says whether a program that was asked the same took it for human.
(() => {
  const ROUNDS = 12;
  const shuffled = (list) => list.map((v) => [Math.random(), v]).sort((a, b) => a[0] - b[0]).map(([, v]) => v);

  function start(root, data) {
    const $ = (name) => root.querySelector(`.${name}`);
    const [count, snippet, human, machine, next, live] = ["count", "snippet", "human", "machine", "next", "live"].map($);
    let game, round, right, judged, byLength, over;

    function deal() {
      // From short to long; of each length as many of one kind as of the other.
      const kind = (length, human) => data.snippets.filter((s) => s.length === length && s.human === human);
      const some = (length, human) => shuffled(kind(length, human)).slice(0, ROUNDS / 2 / data.lengths.length);
      game = data.lengths.flatMap((length) => shuffled([...some(length, true), ...some(length, false)]));
      round = right = judged = 0;
      byLength = data.lengths.map(() => 0);
      over = false;
      ask();
    }
    function ask() {
      snippet.textContent = `… ${game[round].text} …`;
      count.textContent = `Snippet ${round + 1} of ${ROUNDS}. Right so far: ${right}.`;
      human.hidden = machine.hidden = false;
      next.hidden = true;
      live.textContent = "";
    }
    function answer(saidHuman) {
      const { human: wasHuman, judge, length } = game[round];
      const correct = saidHuman === wasHuman;
      right += correct;
      byLength[data.lengths.indexOf(length)] += correct;
      judged += judge === wasHuman;
      round += 1;
      over = round === ROUNDS;
      human.hidden = machine.hidden = true;
      next.hidden = false;
      next.textContent = over ? "Play again" : "Next";
      count.textContent = `Snippet ${round} of ${ROUNDS}. Right so far: ${right}.`;
      const writer = wasHuman ? "Jane Austen wrote this." : "The model made this up.";
      const of = ROUNDS / data.lengths.length;
      const each = data.lengths.map((l, i) => `${byLength[i]} of ${of} with ${l} characters`).join(", ");
      const score = over ? ` You were right ${right} times of ${ROUNDS}: ${each}. The program was right ${judged} times; a coin would be 6 times on average.` : "";
      live.textContent = `${correct ? "Right" : "Wrong"}: ${writer}${score}`;
      next.focus({ preventScroll: true });
    }
    human.onclick = () => answer(true);
    machine.onclick = () => answer(false);
    next.onclick = () => {
      over ? deal() : ask();
      snippet.focus({ preventScroll: true }); // read it first; the answers are the next stops
    };
    deal();
  }

  figures.begin("human-or-machine", start, "human-or-machine-data");
})();
