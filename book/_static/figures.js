// What the interactive figures share: how they begin, the canvas they draw on, and the arrow keys.
const figures = (() => {
  const SVG = "http://www.w3.org/2000/svg";

  // Put every figure of this class in the place of its still. A figure that needs numbers finds them in the element
  // `data`, which a cell of its page leaves; outside the book they are missing, and the still stays.
  function begin(name, start, data) {
    const source = data && document.getElementById(data);
    if (data && !source) return;
    document.querySelectorAll(`.${name}`).forEach((root) => {
      root.querySelector(".still").remove();
      root.querySelector(".moving").hidden = false;
      start(root, data && JSON.parse(source.textContent));
    });
  }

  function canvas(stage) {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("aria-hidden", "true"); // the live text says the same in words
    stage.append(svg);

    // As wide as the stage, within limits; what was drawn is gone. Returns the width.
    function clear({ least, most, height, top = 0 }) {
      const width = Math.min(Math.max(stage.clientWidth, least), most);
      svg.replaceChildren();
      svg.setAttribute("viewBox", `0 ${top} ${width} ${height}`);
      svg.style.width = `${width}px`;
      return width;
    }
    function draw(tag, attributes, content) {
      const node = document.createElementNS(SVG, tag);
      for (const key in attributes) node.setAttribute(key, attributes[key]);
      if (content !== undefined) node.textContent = content;
      svg.append(node);
      return node;
    }
    const text = (x, y, what, kind = "") => draw("text", { x, y, class: kind }, what);
    const tip = (id, size) => {
      draw("defs", {}).innerHTML =
        `<marker id="${id}" viewBox="0 0 8 8" refX="7" refY="4" markerUnits="userSpaceOnUse" markerWidth="${size}" markerHeight="${size}" orient="auto"><path d="M0 0L8 4L0 8z"/></marker>`;
    };
    return { svg, clear, draw, text, tip };
  }

  // The left arrow calls step(-1), the right one step(1), wherever in the figure the focus is but on `except`, whose
  // own keys they are.
  function arrowKeys(root, step, except) {
    root.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!by || event.target === except || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      step(by);
    });
  }

  // A button at the end of its way says so. Not by `disabled`: it would drop the keyboard's focus, and the arrow keys.
  const ends = (button, atEnd) => button.setAttribute("aria-disabled", String(atEnd));
  const press = (button, on) => button.setAttribute("aria-pressed", String(on));
  const rows = (live, lines) =>
    live.replaceChildren(...lines.map((line) => Object.assign(document.createElement("div"), { textContent: line })));

  return { begin, canvas, arrowKeys, ends, press, rows };
})();
