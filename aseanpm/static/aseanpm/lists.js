// Keys and lists, for those who have signed in. Everything works without it.

// Keys. An element says which it answers to: data-key="e"; that of the row one is in goes
// first. Never while one types. templates/partials/shortcuts.html lists them all.

const dialog = document.querySelector("#shortcuts");
const typing = "textarea, select, [contenteditable], input:not([type=checkbox], [type=radio])";
let before = { key: "", at: 0 };

const here = () => document.activeElement.closest("[data-rows] tr") ?? document.querySelector("tr:target");

function pressed(key) {
  const found = `[data-key="${CSS.escape(key)}"]`;
  (here()?.querySelector(found) ?? document.querySelector(`${found}:not(tr *)`))?.click();
}

function step(by) {
  const rows = [...document.querySelectorAll("[data-rows] tbody tr")];
  const now = rows.indexOf(here());
  const next = rows[now < 0 ? 0 : now + by];
  next?.querySelector("th a")?.focus();
}

function list() {
  for (const one of dialog.querySelectorAll("[data-for]")) {
    one.hidden = !document.querySelector(one.dataset.for);
  }
  dialog.showModal();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
  if (event.target.closest(typing)) return;
  if (event.key === "?") return list();
  if (localStorage.keys === "off" || event.key === "Shift") return;
  const together = before.key === "g" && event.timeStamp - before.at < 1500;
  const key = together ? `g ${event.key}` : event.key;
  before = { key, at: event.timeStamp };
  if (key === "j" || key === "k") step(key === "j" ? 1 : -1);
  else if (/^(g )?[a-z]$/.test(key)) pressed(key);
});

const on = dialog.querySelector("[data-keys-on]");
on.checked = localStorage.keys !== "off";
on.addEventListener("change", () => (localStorage.keys = on.checked ? "on" : "off"));

// A selection: one tick for the page, and how many are ticked.

const bulk = document.querySelector("#bulk");
const ticks = document.querySelectorAll("[name=pick]");

if (bulk) {
  const page = Object.assign(document.createElement("input"), { type: "checkbox" });
  page.setAttribute("aria-label", "Choose all of this page");
  document.querySelector("thead .tick").replaceChildren(page);
  const count = () => {
    const ticked = [...ticks].filter((one) => one.checked).length;
    const said = bulk.querySelector("[data-count]");
    said.hidden = ticked === 0;
    said.textContent = `${ticked} ticked`;
    page.checked = ticked === ticks.length;
  };
  page.addEventListener("change", () => {
    for (const one of ticks) one.checked = page.checked;
    count();
  });
  for (const one of ticks) one.addEventListener("change", count);
  addEventListener("pageshow", count);
}

// Columns change places at once; without a script the buttons ask the server.

document.querySelector("[data-order]")?.addEventListener("click", (event) => {
  const button = event.target.closest("button[name]");
  if (!button) return;
  event.preventDefault();
  const row = button.closest("li");
  if (button.name === "up") row.previousElementSibling?.before(row);
  else row.nextElementSibling?.after(row);
  button.focus();
});
