"use strict";
// Filters threads and marks frames as one types; opens everything before printing.  Without it the page is complete all the same.
document.documentElement.classList.add("js");
const box = document.getElementById("search");
const count = document.getElementById("count");
const threads = box ? Array.from(document.querySelectorAll(".thread")) : [];
const wasOpen = threads.map((thread) => thread.open);

function search() {
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  const has = (element) => {
    const text = element.textContent.toLowerCase();
    return words.every((word) => text.includes(word));
  };
  let shown = 0;
  threads.forEach((thread, i) => {
    const visible = has(thread);
    thread.classList.toggle("hidden", !visible);
    shown += visible ? Number(thread.dataset.count) : 0;
    let hits = 0;
    for (const frame of thread.querySelectorAll(".frame")) {
      const hit = words.length > 0 && has(frame);
      frame.classList.toggle("hit", hit);
      hits += hit ? 1 : 0;
    }
    thread.open = words.length > 0 ? visible && hits > 0 : wasOpen[i];
  });
  count.value = words.length > 0 ? shown + " of " + box.dataset.count : "";
}

if (box) {
  box.addEventListener("input", search);
  document.getElementById("unfold").addEventListener("click", () => {
    const open = threads.some((thread) => !thread.open);
    threads.forEach((thread) => { thread.open = open; });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== box) {
      event.preventDefault();
      box.focus();
    }
  });
}
window.addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("details")) folded.open = true;
});
