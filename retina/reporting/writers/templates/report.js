/* Without this script the report is whole: still figures, tables in their own order, values behind a fold. */

const SVG = "http://www.w3.org/2000/svg";
const words = JSON.parse(document.getElementById("_words").textContent);

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function draw(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/* Tables: numbers by their value, rows without one last in both directions, text as the language orders it. */

const collator = new Intl.Collator(document.documentElement.lang, { numeric: true });

function byColumn(rows, column, direction) {
  const cells = new Map(rows.map((row) => [row, row.cells[column]]));
  const numeric = rows.some((row) => "value" in cells.get(row).dataset);
  return [...rows].sort((a, b) => {
    const [first, second] = [cells.get(a), cells.get(b)];
    if (!numeric) return direction * collator.compare(first.textContent, second.textContent);
    const [has, hasToo] = ["value" in first.dataset, "value" in second.dataset];
    if (!has || !hasToo) return Number(hasToo) - Number(has);
    return direction * (Number(first.dataset.value) - Number(second.dataset.value));
  });
}

function sortable(table) {
  const body = table.tBodies[0];
  const asReported = [...body.rows];
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = make("button", { type: "button", title: words.sort });
    button.append(...heading.childNodes);
    heading.append(button);
    heading.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const next = { none: "ascending", ascending: "descending", descending: "none" }[heading.getAttribute("aria-sort")];
      for (const other of headings) other.setAttribute("aria-sort", other === heading ? next : "none");
      const direction = next === "descending" ? -1 : 1;
      body.append(...(next === "none" ? asReported : byColumn(asReported, column, direction)));
    });
  });
}

/* Charts: a drawing a panel, one slider for all, read by pointer, touch or keyboard. */

const HEIGHT = 220;
const EDGE = { left: 46, right: 14, bottom: 34, lane: 16 };

/* A curve breaks where a value is missing; a value with no neighbour is a dot. */
function pathOf(values, x, y) {
  return values
    .map((value, index) => {
      if (value === null) return "";
      const before = index > 0 && values[index - 1] !== null;
      const after = index + 1 < values.length && values[index + 1] !== null;
      const point = `${x(index).toFixed(2)} ${y(value).toFixed(2)}`;
      return before ? `L${point}` : after ? `M${point}` : `M${point}h.01`;
    })
    .join("");
}

function axes(svg, frame, ticks, epochs, axisTitle) {
  for (const { value, text } of ticks) {
    const y = frame.y(value);
    svg.append(draw("line", { class: "grid", x1: frame.left, x2: frame.right, y1: y, y2: y }));
    svg.append(draw("text", { class: "tick", x: frame.left - 7, y: y + 4, "text-anchor": "end" }, text));
  }
  svg.append(draw("line", { class: "axis", x1: frame.left, x2: frame.right, y1: frame.bottom, y2: frame.bottom }));
  for (const epoch of epochTicks(epochs, frame.right - frame.left)) {
    const x = frame.x(epochs.indexOf(epoch));
    svg.append(draw("line", { class: "axis", x1: x, x2: x, y1: frame.bottom, y2: frame.bottom + 4 }));
    svg.append(draw("text", { class: "tick", x, y: frame.bottom + 16, "text-anchor": "middle" }, String(epoch)));
  }
  const middle = (frame.left + frame.right) / 2;
  svg.append(draw("text", { class: "tick", x: middle, y: frame.bottom + 31, "text-anchor": "middle" }, axisTitle));
}

/* Labels of marks stand in lanes above the plot: the first lane where a label overlaps no other and where the line
   that falls from it runs through none below; else a new lane nearest the plot. */
function markLabels(svg, marks, left, right) {
  const lanes = [];
  return marks.map((mark) => {
    const text = draw("text", { class: "mark-label" }, mark.label);
    svg.append(text);
    const width = Math.min(text.getComputedTextLength(), right - left);
    const start = Math.max(left, Math.min(mark.x - 3, right - width));
    const clear = ([from, to]) => start > to + 8 || start + width < from - 8;
    const passes = ([from, to]) => mark.x < from - 3 || mark.x > to + 3;
    let lane = lanes.findIndex((taken, at) => taken.every(clear) && lanes.slice(at + 1).every((below) => below.every(passes)));
    if (lane < 0) lane = lanes.push([]) - 1;
    lanes[lane].push([start, start + width]);
    text.setAttribute("x", start);
    return { ...mark, text, lane };
  });
}

function drawPanel(panel, data) {
  const { svg } = panel;
  const width = Math.max(240, Math.round(svg.parentNode.clientWidth));
  const frame = { left: EDGE.left, right: width - EDGE.right };
  const inset = 8;
  const steps = Math.max(1, data.epochs.length - 1);
  frame.x = (index) => frame.left + inset + ((frame.right - frame.left - 2 * inset) * (data.epochs.length > 1 ? index : 0.5)) / steps;
  svg.replaceChildren();
  const marks = data.marks
    .map((mark) => ({ ...mark, x: frame.x(data.epochs.indexOf(mark.epoch)) }))
    .filter((mark) => data.epochs.includes(mark.epoch));
  const labelled = markLabels(svg, marks, frame.left, frame.right);
  const lanes = 1 + Math.max(-1, ...labelled.map((mark) => mark.lane));
  frame.top = 10 + lanes * EDGE.lane;
  frame.bottom = frame.top + HEIGHT;
  const height = frame.bottom + EDGE.bottom;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  frame.y = (value) => frame.bottom - panel.scale.share(value) * HEIGHT;
  axes(svg, frame, panel.scale.ticks, data.epochs, data.epoch);
  for (const mark of labelled) {
    const baseline = frame.top - 8 - (lanes - 1 - mark.lane) * EDGE.lane;
    mark.text.setAttribute("y", baseline);
    svg.prepend(draw("line", { class: "mark", x1: mark.x, x2: mark.x, y1: baseline + 4, y2: frame.bottom }));
  }
  panel.series.forEach((curve, index) => {
    svg.append(draw("path", { class: `curve curve-${index % 6}`, d: pathOf(curve.values, frame.x, frame.y) }));
  });
  panel.crosshair = draw("line", { class: "crosshair", y1: frame.top, y2: frame.bottom });
  panel.dots = panel.series.map((_, index) => draw("circle", { class: `dot dot-${index % 6}`, r: 4 }));
  svg.append(panel.crosshair, ...panel.dots);
  panel.frame = frame;
  panel.width = width;
}

function pointAt(panel, index) {
  const x = panel.frame.x(index);
  panel.crosshair.setAttribute("x1", x);
  panel.crosshair.setAttribute("x2", x);
  panel.series.forEach((curve, number) => {
    const value = curve.values[index];
    panel.readings[number].textContent = curve.texts[index];
    panel.dots[number].toggleAttribute("hidden", value === null);
    if (value === null) return;
    panel.dots[number].setAttribute("cx", x);
    panel.dots[number].setAttribute("cy", panel.frame.y(value));
  });
}

function buildPanel(panel) {
  panel.svg = draw("svg", { class: "plot", "aria-hidden": "true", focusable: "false" });
  panel.readings = panel.series.map(() => make("span", { class: "reading" }));
  const legend = panel.series.map((curve, index) => {
    const line = draw("line", { class: `curve curve-${index % 6}`, x1: 1, x2: 31, y1: 5, y2: 5 });
    const swatch = draw("svg", { class: "swatch", viewBox: "0 0 32 10", width: 32, height: 10, "aria-hidden": "true" }, line);
    return make("li", {}, swatch, make("bdi", {}, curve.name), panel.readings[index]);
  });
  panel.scale = scaleOf(panel);
  const title = make("p", { class: "panel-title" }, panel.scale.log ? `${panel.title} (${words.log_scale})` : panel.title);
  panel.box = make("div", { class: "panel" }, title, make("div", {}, panel.svg), make("ul", { class: "legend" }, ...legend));
  return panel.box;
}

function chart(figure) {
  const data = JSON.parse(figure.querySelector("script").textContent);
  const still = figure.querySelector(".plate"); // none in a report of very many runs
  const last = data.epochs.length - 1;
  if (last < 0) return;
  const best = data.marks.length ? data.epochs.indexOf(data.marks[0].epoch) : -1;
  const slider = make("input", { type: "range", min: 0, max: last, step: 1, "aria-label": data.walk, title: data.walk });
  slider.value = best < 0 ? last : best;
  const epoch = make("span", { class: "epoch" });
  const marked = make("span", { class: "marked" });
  const head = make("div", { class: "walk" }, make("span", {}, data.epoch), epoch, slider, marked);
  const panels = make("div", { class: "panels" }, ...data.panels.map(buildPanel));
  const drawing = make("div", { class: "drawing", role: "group", "aria-label": data.alternative }, head, panels);

  function read(index) {
    slider.value = index;
    const labels = data.marks.filter((mark) => mark.epoch === data.epochs[index]).map((mark) => mark.label);
    epoch.textContent = String(data.epochs[index]);
    marked.textContent = labels.join(" · ");
    for (const panel of data.panels) pointAt(panel, index);
    const texts = data.panels.flatMap((panel) => panel.series.map((curve) => `${curve.name} ${curve.texts[index]}`));
    slider.setAttribute("aria-valuetext", [`${data.epoch} ${data.epochs[index]}`, ...labels, ...texts].join(", "));
  }

  function follow(panel, event) {
    const box = panel.svg.getBoundingClientRect();
    const across = ((event.clientX - box.left) / box.width) * panel.width;
    const distance = (index) => Math.abs(panel.frame.x(index) - across);
    read(data.epochs.reduce((nearest, _, index) => (distance(index) < distance(nearest) ? index : nearest), 0));
  }

  function redraw() {
    for (const panel of data.panels) drawPanel(panel, data);
    read(Number(slider.value));
  }

  figure.prepend(drawing);
  if (still) still.hidden = true;
  for (const panel of data.panels) {
    panel.svg.addEventListener("pointermove", (event) => follow(panel, event));
    panel.svg.addEventListener("pointerdown", (event) => follow(panel, event));
    panel.svg.addEventListener("click", () => slider.focus({ preventScroll: true }));
  }
  slider.addEventListener("input", () => read(Number(slider.value)));
  let width = -1;
  new ResizeObserver(() => {
    if (panels.clientWidth === width) return;
    width = panels.clientWidth;
    if (width) redraw();
  }).observe(panels);
}

/* A figure is shrunk to the page; a click shows it at a size at which its labels can be read. */
function enlargeable(picture) {
  const button = make("button", { type: "button", class: "zoom", "aria-pressed": "false", title: words.enlarge });
  picture.replaceWith(button);
  button.append(picture);
  button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") === "false"));
  });
}

document.querySelectorAll("table.sortable").forEach(sortable);
document.querySelectorAll(".chart > figure").forEach(chart);
document.querySelectorAll(".picture .plate > img").forEach(enlargeable);
for (const link of document.querySelectorAll(".folded a")) {
  link.addEventListener("click", () => link.closest("details").removeAttribute("open"));
}
