"use strict";
/* What the pages share: charts, the controls that set their parameters, tables that sort. */

const data = JSON.parse(document.getElementById("data").textContent);
const views = {};

function find(selector, within = document) {
  return Array.from(within.querySelectorAll(selector));
}

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/* Draw a chart into its place; expressions are interpreted, for the policy forbids to compile. */
async function draw(place) {
  const { chart, leastWidth } = place.dataset;
  if (leastWidth) place.style.minWidth = `${leastWidth}px`;
  const spec = { ...data.charts[chart], datasets: { ...data.charts[chart].datasets, rows: data.rows[chart] } };
  const { view } = await vegaEmbed(place, spec, {
    mode: "vega-lite",
    ast: true,
    renderer: "svg",
    actions: false,
    defaultStyle: false,
    tooltip: { disableDefaultStyle: true },
  });
  views[chart] = view;
}

function setting(control) {
  if (control.tagName === "SELECT") return control.value;
  const checked = find("input:checked", control).map((input) => input.value);
  return control.querySelector("[type=radio]") ? checked[0] : checked;
}

/* Set the parameter that a control is for in each of its charts. */
function apply(control) {
  for (const chart of control.dataset.charts.split(" "))
    views[chart]?.signal(control.dataset.signal, setting(control)).runAsync();
}

function value(row, column) {
  const cell = row.cells[column];
  const text = cell.dataset.value ?? cell.textContent.trim();
  const number = Number(text.replace(/[,%]/g, ""));
  return text === "" ? null : Number.isNaN(number) ? text : number;
}

/* Order of two values: numbers, then text, then what is missing. */
function compare(a, b) {
  if (a === null || b === null) return (a === null) - (b === null);
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return typeof a === "number" ? a - b : a.localeCompare(b, "en");
}

function sort(header) {
  const table = header.closest("table");
  const column = header.cellIndex;
  const sorted = header.getAttribute("aria-sort");
  /* A column's own first order, as the best first; then the other one. */
  const descending = sorted === "none" ? header.dataset.first === "descending" : sorted === "ascending";
  for (const other of find("th[aria-sort]", table)) other.setAttribute("aria-sort", "none");
  header.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const body = table.tBodies[0];
  const keyed = Array.from(body.rows, (row) => [value(row, column), row]);
  keyed.sort(([a], [b]) =>
    descending && a !== null && b !== null ? compare(b, a) : compare(a, b)
  );
  body.append(...keyed.map(([, row]) => row));
}

for (const button of find("th[aria-sort] button"))
  button.addEventListener("click", () => sort(button.closest("th")));

/* Resolved when all charts are there; the page's own script may change their rows before. */
const ready = new Promise((resolve) => document.addEventListener("DOMContentLoaded", resolve));
const drawn = ready.then(() => Promise.all(find("[data-chart]").map(draw))).then(() => {
  for (const control of find("[data-signal]")) {
    control.addEventListener("change", () => apply(control));
    apply(control);
  }
});
