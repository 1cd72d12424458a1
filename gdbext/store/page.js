"use strict";
// Filters signatures, and stacks the bars of what is left anew.  Without it the page is complete all the same.
document.documentElement.classList.add("js");
const HEIGHT = 100;
const get = (id) => document.getElementById(id);
const rows = Array.from(document.querySelectorAll(".signature"));
const plots = Array.from(document.querySelectorAll(".plot"), (plot) => ({
  pieces: Array.from(plot.querySelectorAll("rect[data-n]"), (rect) => ({
    rect, bar: rect.dataset.b, row: Number(rect.dataset.r), version: rect.dataset.v, count: Number(rect.dataset.n),
  })),
  hovers: Array.from(plot.querySelectorAll(".hover")),
  most: plot.querySelector(".most"),
}));

function stack(plot, accepts) {
  const left = plot.pieces.filter((piece) => {
    const shown = accepts(piece);
    piece.rect.classList.toggle("hidden", !shown);
    return shown;
  });
  const totals = {};
  for (const piece of left) totals[piece.bar] = (totals[piece.bar] || 0) + piece.count;
  const top = Math.max(1, ...Object.values(totals));
  const level = {};
  for (const piece of left) {
    level[piece.bar] = (level[piece.bar] || 0) + piece.count;
    piece.rect.setAttribute("y", HEIGHT - HEIGHT * level[piece.bar] / top);
    piece.rect.setAttribute("height", HEIGHT * piece.count / top);
  }
  for (const hover of plot.hovers) {
    hover.querySelector("title").textContent = hover.dataset.time + ": " + (totals[hover.dataset.b] || 0);
  }
  plot.most.textContent = left.length ? top : 0;
}

function counted(row, version) {
  if (version === "") return Number(row.dataset.count);
  const found = row.dataset.versions.split(" ").find((pair) => pair.startsWith(version + ":"));
  return found ? Number(found.split(":")[1]) : 0;
}

function update() {
  const words = get("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const version = get("version") ? get("version").value : "";
  const only = (name) => get("only-" + name) && get("only-" + name).checked;
  const chosen = new Set(), pressed = new Set();
  let crashes = 0;
  for (const row of rows) {
    const count = counted(row, version);
    const text = row.textContent.toLowerCase();
    const shown = count > 0 && words.every((word) => text.includes(word))
      && !(only("new") && row.dataset.new === undefined)
      && !(only("rising") && row.dataset.rising === undefined)
      && !(only("unknown") && row.dataset.known !== undefined);
    row.classList.toggle("hidden", !shown);
    row.querySelector(".number").textContent = count;
    if (!shown) continue;
    crashes += count;
    chosen.add(Number(row.dataset.row));
    if (row.querySelector(".swatch").getAttribute("aria-pressed") === "true") pressed.add(Number(row.dataset.row));
  }
  const all = chosen.size === rows.length && !pressed.size;
  const drawn = pressed.size ? pressed : chosen;
  const ofVersion = (piece) => version === "" || piece.version === version;
  plots.forEach((plot, number) => {
    // The first is that of all crashes; signatures that have no row are in it while nothing is filtered.
    stack(plot, number ? ofVersion : (piece) => ofVersion(piece) && (drawn.has(piece.row) || (all && piece.row < 0)));
  });
  get("count").value = all && version === "" ? "" : chosen.size + " of " + rows.length + " signatures, " + crashes + " crashes";
}

function sort() {
  const key = get("sort").value;
  const ordered = rows.slice().sort((a, b) => Number(b.dataset[key]) - Number(a.dataset[key]) || a.dataset.row - b.dataset.row);
  get("rows").append(...ordered);
}

if (get("search")) {
  for (const input of document.querySelectorAll(".filters input, #version")) input.addEventListener("input", update);
  get("sort").addEventListener("input", sort);
  for (const swatch of document.querySelectorAll(".swatch")) {
    swatch.addEventListener("click", () => {
      swatch.setAttribute("aria-pressed", String(swatch.getAttribute("aria-pressed") !== "true"));
      update();
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== get("search")) {
      event.preventDefault();
      get("search").focus();
    }
  });
  // What the browser kept in the fields over a reload.
  update();
  sort();
}
