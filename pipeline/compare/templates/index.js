"use strict";
/* The index: a table of runs that filters, groups and takes columns; the curves of what it lists. */

const rows = find("tr[data-run]");
const rowOf = Object.fromEntries(rows.map((row) => [row.dataset.run, row]));
const lines = find("tr[data-line]");
const filter = document.getElementById("filter");
const every = document.getElementById("all");
const grouped = document.getElementById("grouped");
const chosen = (id) => document.getElementById(id)?.value ?? "";
const box = (row) => row.querySelector(".drawn");
const LEGEND = 24;

/* A line's members stand under it, from the start and after each sort. */
const members = new Map(lines.map((line) => [line, []]));
const lineOf = new Map();
for (const [number, line] of lines.entries()) {
  const size = Number(line.querySelector(".opener .soft").textContent.split(" ")[0]);
  let row = line;
  for (let count = 0; count < size; count++) {
    row = row.nextElementSibling;
    members.get(line).push(row);
    lineOf.set(row, line);
  }
}

const matches = new Set();
const listed = () => rows.filter((row) => matches.has(row));
const together = () => Boolean(grouped?.checked);
const isOpen = (line) => line.querySelector(".opener").getAttribute("aria-expanded") === "true";

/* List the runs that have every word of the filter; those of a line that is closed stay hidden. */
function list() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  matches.clear();
  for (const row of rows) {
    const text = `${row.dataset.run} ${row.textContent}`.toLowerCase();
    if (
      words.every((word) => text.includes(word)) &&
      ["", row.dataset.dataset].includes(chosen("dataset")) &&
      ["", row.dataset.study].includes(chosen("study"))
    ) matches.add(row);
  }
  for (const row of rows) {
    const line = together() && lineOf.get(row);
    row.hidden = !matches.has(row) || Boolean(line && !isOpen(line));
    row.classList.toggle("member", Boolean(line));
  }
  for (const line of lines)
    line.hidden = !together() || !members.get(line).some((row) => matches.has(row));
  document.getElementById("found").textContent = `${matches.size} of ${rows.length} runs`;
  offer();
}

/* Put the members of each line under it, in the order that they were sorted into. */
function gather() {
  if (!together()) return;
  for (const line of lines) {
    const own = Array.from(line.parentElement.rows).filter((row) => lineOf.get(row) === line);
    line.after(...own);
  }
}

/* Columns: measures that are there already, and parameters that differ among the listed runs. */

function showMeasure(input) {
  for (const cell of find(`[data-column="${input.value}"]`)) cell.hidden = !input.checked;
}

function parameterOf(row, key) {
  const runs = row.dataset.run ? [row] : members.get(row);
  const values = new Set(runs.map((one) => data.parameters[one.dataset.run][key]));
  return values.size > 1 ? "several" : [...values][0];
}

function showParameter(key, shown) {
  const own = (cell) => cell.dataset.parameter === key;
  for (const cell of find("[data-parameter]").filter(own)) cell.remove();
  if (!shown) return;
  const button = element("button", { type: "button" }, key);
  const header = element("th", { scope: "col", "aria-sort": "none" }, button);
  header.dataset.parameter = key;
  document.querySelector(".runs thead .test").before(header);
  button.addEventListener("click", () => { sort(header); gather(); });
  for (const row of [...rows, ...lines]) {
    const cell = element("td", {}, parameterOf(row, key));
    cell.dataset.parameter = key;
    row.querySelector(".test").before(cell);
  }
}

function offer() {
  const place = document.getElementById("parameters");
  const ticked = new Set(find("input:checked", place).map((input) => input.value));
  const runs = listed().map((row) => data.parameters[row.dataset.run]);
  const keys = Object.keys(data.parameters[rows[0].dataset.run]).sort();
  const differing = keys.filter((key) => new Set(runs.map((run) => run[key])).size > 1);
  for (const key of ticked) if (!differing.includes(key)) showParameter(key, false);
  const chips = differing.map((key) => {
    const input = element("input", { type: "checkbox", value: key, autocomplete: "off" });
    input.checked = ticked.has(key);
    input.addEventListener("change", () => showParameter(key, input.checked));
    return element("label", { class: "chip" }, input, key);
  });
  place.replaceChildren(place.firstElementChild, ...chips);
  place.hidden = !chips.length;
}

/* Curves. Runs of a line that are drawn together have one colour; colours beyond the last are
   dashed. */

function styles(ticked) {
  const found = new Map();
  for (const row of ticked) {
    const key = (together() && lineOf.get(row)) || row;
    if (!found.has(key)) {
      const number = found.size;
      const dash = Math.floor(number / data.series) % data.dashes;
      found.set(key, { series: number % data.series, dash });
    }
  }
  return found;
}

function legend(found) {
  const entries = [...found].slice(0, LEGEND).map(([row, { series, dash }]) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
    for (const [name, number] of [["width", 22], ["height", 10], ["aria-hidden", true]])
      svg.setAttribute(name, number);
    for (const [name, text] of [["x1", 0], ["x2", 22], ["y1", 5], ["y2", 5], ["class", `l${series}`],
      ["stroke-dasharray", ["none", "7 3", "2 2"][dash]]])
      line.setAttribute(name, text);
    svg.append(line);
    const key = row.dataset.run ?? row.dataset.line;
    const entry = element("li", {}, svg, key);
    entry.addEventListener("pointerenter", () => mark(key));
    entry.addEventListener("pointerleave", () => mark(""));
    return entry;
  });
  if (found.size > LEGEND) entries.push(element("li", {}, `and ${found.size - LEGEND} more`));
  document.getElementById("legend").replaceChildren(...entries);
}

function paint(row, style) {
  row.querySelector(".swatch").className = style ? `swatch s${style.series}` : "swatch";
}

function tick(input, ticked, all) {
  input.checked = ticked > 0 && ticked === all;
  input.indeterminate = ticked > 0 && ticked < all;
}

/* The points of the curves of the listed runs that are ticked; what surrounds the chart follows. */
function points() {
  const [measure, subset] = ["measure", "subset"].map(
    (name) => document.querySelector(`[name=${name}]:checked`).value
  );
  const column = `${subset}_${measure}`;
  const ticked = listed().filter((row) => box(row).checked);
  const without = ticked.filter((row) => !data.histories[row.dataset.run][column]);
  const title = `${subset} ${measure} by epoch`;
  document.querySelector("#curves .chart-title").textContent =
    title[0].toUpperCase() + title.slice(1);
  document.getElementById("without").textContent = without.length
    ? `Without ${subset} ${measure}: ${without.map((row) => row.dataset.run).join(", ")}` : "";
  tick(every, ticked.length, matches.size);
  const found = styles(ticked);
  const styleOf = (row) => found.get((together() && lineOf.get(row)) || row);
  for (const row of rows) paint(row, ticked.includes(row) && styleOf(row));
  for (const line of lines) {
    const own = members.get(line).filter((row) => matches.has(row));
    tick(box(line), own.filter((row) => box(row).checked).length, own.length);
    paint(line, found.get(line));
  }
  legend(found);
  return ticked.flatMap((row) => {
    const history = data.histories[row.dataset.run];
    const line = (together() && lineOf.get(row)?.dataset.line) || row.dataset.run;
    return (history[column] ?? []).map((number, place) => ({
      run: row.dataset.run, line, ...styleOf(row), epoch: history.epoch[place], value: number,
    }));
  });
}

function trace() {
  views.runs.data("rows", points()).runAsync();
}

function mark(name) {
  views.runs?.signal("marked", name).runAsync();
}

function narrow() {
  list();
  trace();
}

/* At first the curves of the first lines are drawn. */
const first = [...new Set(rows.map((row) => lineOf.get(row) ?? row))].slice(0, data.series);
for (const row of rows) box(row).checked = first.includes(lineOf.get(row) ?? row);
list();
data.rows.runs = points();
drawn.then(() => {
  filter.addEventListener("input", narrow);
  for (const id of ["dataset", "study", "grouped"])
    document.getElementById(id)?.addEventListener("change", () => { gather(); narrow(); });
  for (const input of find("[name=measure], [name=subset], tr[data-run] .drawn"))
    input.addEventListener("change", trace);
  for (const input of find("#measures input"))
    input.addEventListener("change", () => showMeasure(input));
  for (const button of find(".runs th[aria-sort] button"))
    button.addEventListener("click", gather);
  every.addEventListener("change", () => {
    for (const row of listed()) box(row).checked = every.checked;
    trace();
  });
  for (const line of lines) {
    const own = () => members.get(line).filter((row) => matches.has(row));
    box(line).addEventListener("change", () => {
      for (const row of own()) box(row).checked = box(line).checked;
      trace();
    });
    const opener = line.querySelector(".opener");
    opener.addEventListener("click", () => {
      opener.setAttribute("aria-expanded", String(!isOpen(line)));
      list();
    });
  }
  for (const row of [...rows, ...lines]) {
    const [on, off] = [() => mark(row.dataset.run ?? row.dataset.line), () => mark("")];
    row.addEventListener("pointerenter", on);
    row.addEventListener("pointerleave", off);
    row.addEventListener("focusin", on);
    row.addEventListener("focusout", off);
  }
});
