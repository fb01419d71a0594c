"use strict";
/* The index: a table of runs that filters, and the curves of those that it lists. */

const rows = find(".runs tbody tr");
const filter = document.getElementById("filter");
const every = document.getElementById("all");
const chosen = (id) => document.getElementById(id)?.value ?? "";
const listed = () => rows.filter((row) => !row.hidden);
const box = (row) => row.querySelector(".drawn");

/* List the runs that have every word of the filter. */
function list() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden =
      !words.every((word) => text.includes(word)) ||
      !["", row.dataset.dataset].includes(chosen("dataset")) ||
      !["", row.dataset.study].includes(chosen("study"));
  }
  const count = listed().length;
  document.getElementById("found").textContent = `${count} of ${rows.length} runs`;
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
  every.checked = ticked.length > 0 && ticked.length === listed().length;
  every.indeterminate = ticked.length > 0 && !every.checked;
  return ticked.flatMap((row) => {
    const history = data.histories[row.dataset.run];
    const series = Number(row.dataset.series);
    return (history[column] ?? []).map((number, place) => ({
      run: row.dataset.run, series, epoch: history.epoch[place], value: number,
    }));
  });
}

function trace() {
  views.runs.data("rows", points()).runAsync();
}

function mark(name) {
  views.runs.signal("marked", name).runAsync();
}

function narrow() {
  list();
  trace();
}

list();
data.rows.runs = points();
drawn.then(() => {
  filter.addEventListener("input", narrow);
  for (const id of ["dataset", "study"])
    document.getElementById(id)?.addEventListener("change", narrow);
  for (const input of find("[name=measure], [name=subset], .drawn"))
    input.addEventListener("change", trace);
  every.addEventListener("change", () => {
    for (const row of listed()) box(row).checked = every.checked;
    trace();
  });
  for (const row of rows) {
    const [on, off] = [() => box(row).checked && mark(row.dataset.run), () => mark("")];
    row.addEventListener("pointerenter", on);
    row.addEventListener("pointerleave", off);
    row.addEventListener("focusin", on);
    row.addEventListener("focusout", off);
  }
});
