"use strict";
/* The report: images behind the cells of the confusion matrix, the matrix of an image, filters. */

const percent = (share) => `${(100 * share).toFixed(1)}%`;
const byId = (id) => document.getElementById(id);

function tile(item) {
  const made = byId("tile").content.firstElementChild.cloneNode(true);
  const picture = made.querySelector("img");
  picture.src = item.src;
  picture.alt = `Test image ${item.id}`;
  made.querySelector(".actual").textContent = data.classes[item.label];
  const predicted = made.querySelector(".predicted");
  predicted.textContent = data.classes[item.predicted];
  predicted.parentElement.className = item.label === item.predicted ? "right" : "wrong";
  made.querySelector(".id").textContent = item.id;
  find(".bars li", made).forEach((bar, place) => {
    const [label, probability] = item.top[place];
    const [name, share] = find("span", bar);
    name.textContent = data.classes[label];
    share.textContent = percent(probability);
    bar.querySelector("rect").setAttribute("width", percent(probability));
  });
  return made;
}

/* Show the images of a cell, whether it was chosen in the chart, the lists or the table. */
function choose(actual, predicted) {
  byId("actual").value = actual;
  byId("predicted").value = predicted;
  const [a, p] = [data.classes[actual], data.classes[predicted]];
  views.confusion?.signal("chosen", { actual: a, predicted: p }).runAsync();
  const n = data.cells[`${actual},${predicted}`] ?? 0;
  const total = data.support[actual];
  const shown = data.images.filter((one) => one.label === actual && one.predicted === predicted);
  const what = actual === predicted ? `${a}, recognized` : `${a}, taken for ${p}`;
  const rate = total ? ` (${percent(n / total)})` : "";
  const part = !n ? "" : shown.length < n
    ? ` Shown: ${shown.length}, the most certain first.` : " The most certain first.";
  byId("cell").textContent =
    `${what}: ${n.toLocaleString("en")} of ${total.toLocaleString("en")} test images${rate}.${part}`;
  byId("behind").replaceChildren(...shown.map(tile));
}

function cells() {
  if (!data.cells) return;
  for (const id of ["actual", "predicted"])
    byId(id).addEventListener("change", () =>
      choose(Number(byId("actual").value), Number(byId("predicted").value))
    );
  for (const button of find("button[data-actual]"))
    button.addEventListener("click", () => {
      choose(Number(button.dataset.actual), Number(button.dataset.predicted));
      byId("cell").scrollIntoView({ block: "center" });
    });
  drawn.then(() => {
    views.confusion.addEventListener("click", (_, item) => {
      if (item?.datum?.actual === undefined) return;
      choose(data.classes.indexOf(item.datum.actual), data.classes.indexOf(item.datum.predicted));
    });
    choose(...data.chosen);
  });
}

/* One image as a matrix of its integers. */

function integers(text, bytes) {
  const raw = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const view = new DataView(raw.buffer);
  if (bytes === 1) return raw;
  return Array.from({ length: raw.length / 2 }, (_, n) => view.getUint16(2 * n, true));
}

function matrix() {
  if (!data.matrix) return;
  const { rows, columns, channels, top, left, bytes, maximum, images } = data.matrix;
  const slider = byId("matrix-image");
  const table = byId("matrix-values");
  table.classList.toggle("wide", bytes === 2);
  const head = element("tr", {}, element("td"));
  for (let x = 0; x < columns; x++) head.append(element("th", { scope: "col" }, `${left + x}`));
  table.append(element("thead", {}, head));
  const body = element("tbody");
  const cells = [];
  for (let y = 0; y < rows; y++) {
    const row = element("tr", {}, element("th", { scope: "row" }, `${top + y}`));
    for (let x = 0; x < columns; x++) cells.push(row.appendChild(element("td")));
    body.append(row);
  }
  table.append(body);

  function show() {
    const image = images[Number(slider.value)];
    const channel = Number(document.querySelector("[name=channel]:checked")?.value ?? 0);
    const values = integers(image.values, bytes);
    const name = `${data.classes[image.label]} (${image.id})`;
    byId("matrix-name").textContent = name;
    slider.setAttribute("aria-valuetext", name);
    const picture = byId("matrix-picture");
    picture.src = image.src;
    picture.alt = `Training image ${image.id}`;
    cells.forEach((cell, place) => {
      const number = values[place * channels + channel];
      const share = number / maximum;
      const tone = Math.round(255 * share);
      cell.textContent = number;
      cell.style.backgroundColor = `rgb(${tone} ${tone} ${tone})`;
      cell.style.color = share < 0.46 ? "#fff" : "#000";
    });
  }
  slider.addEventListener("input", show);
  for (const radio of find("[name=channel]")) radio.addEventListener("change", show);
  show();
}

function filters() {
  const slider = byId("filter-image");
  if (!slider) return;
  const responses = find(".response");
  function show() {
    const image = data.filters[Number(slider.value)];
    const name = `${data.classes[image.label]} (${image.id})`;
    byId("filter-name").textContent = name;
    slider.setAttribute("aria-valuetext", name);
    byId("filter-picture").src = image.src;
    byId("filter-picture").alt = `Training image ${image.id}`;
    responses.forEach((picture, number) => {
      picture.src = image.responses[number];
    });
  }
  slider.addEventListener("input", show);
  show();
}

/* On a narrow screen most sections begin folded; their heading, or a link to them, opens them. */
function fold(section) {
  const heading = section.querySelector("h2");
  const rest = Array.from(section.childNodes).filter((node) => node !== heading);
  const details = element("details", { class: "fold" }, element("summary", {}, heading), ...rest);
  // Charts measure the room that they have, which they lack in what is closed.
  details.addEventListener("toggle", () => window.dispatchEvent(new Event("resize")));
  section.append(details);
}

function unfold(hash) {
  const details = hash && byId(hash.slice(1))?.querySelector("details.fold");
  if (details) details.open = true;
}

if (matchMedia("(max-width: 46rem)").matches) {
  find("[data-folds]").forEach(fold);
  for (const link of find('a[href^="#"]')) link.addEventListener("click", () => unfold(link.hash));
  unfold(location.hash);
}
cells();
matrix();
filters();
