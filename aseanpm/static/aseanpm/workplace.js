// For those who write. Every form works without it; this makes it faster and safer.

// Leaving a form that was changed asks first. data-guard="changed": it came back from the
// server with what was typed, and is not saved yet.

const guarded = document.querySelectorAll("form[data-guard]");
const written = (form) => new URLSearchParams(new FormData(form)).toString();
const opened = new Map(
  [...guarded].map((form) => [form, form.dataset.guard === "changed" ? null : written(form)]),
);
let leaving = false;

addEventListener("beforeunload", (event) => {
  if (leaving) return;
  if ([...opened].some(([form, before]) => before !== written(form))) event.preventDefault();
});

// A form is sent once, however often the button is pressed.

const sent = new Set();

document.addEventListener("submit", (event) => {
  if (event.target.method !== "post" || event.defaultPrevented) return;
  if (sent.has(event.target)) event.preventDefault();
  sent.add(event.target);
  leaving = opened.has(event.target);
});

addEventListener("pageshow", () => {
  sent.clear();
  leaving = false;
});

// Ctrl+S, or Cmd+S, saves.

document.addEventListener("keydown", (event) => {
  if (event.key?.toLowerCase() !== "s" || !(event.ctrlKey || event.metaKey)) return;
  const form = event.target.closest("form[data-guard]") ?? guarded[0];
  if (!form || event.altKey || event.shiftKey) return;
  event.preventDefault();
  form.requestSubmit();
});

// Rows are added and taken out in place.

function addRow(rows) {
  const numbers = [...rows.querySelectorAll("[data-row]")].map((row) => +row.dataset.row);
  const holder = document.createElement("div");
  const blank = rows.querySelector("template");
  holder.innerHTML = blank.innerHTML.replaceAll("__n__", Math.max(-1, ...numbers) + 1);
  const row = holder.firstElementChild;
  blank.before(row);
  row.querySelector("input:not([type=hidden]), select, textarea").focus();
}

function removeRow(rows, row) {
  const near = row.nextElementSibling?.closest("[data-row]") ?? row.previousElementSibling;
  row.remove();
  (near?.querySelector("[name=remove]") ?? rows.querySelector("[name=add]")).focus();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-rowset] :is([name=add], [name=remove])");
  if (!button) return;
  const rows = button.closest("[data-rowset]");
  event.preventDefault();
  if (button.name === "add") addRow(rows);
  else removeRow(rows, button.closest("[data-row]"));
  addUp();
});

// What the stated shares add up to.

function addUp() {
  for (const told of document.querySelectorAll("[data-sum]")) {
    const shares = document.querySelectorAll(`[data-rowset=${told.dataset.sum}] [data-share]`);
    const sum = [...shares].reduce((all, share) => all + (parseFloat(share.value) || 0), 0);
    told.hidden = !sum;
    told.classList.toggle("wrong", sum > 100);
    told.querySelector("output").value = Math.round(sum * 100) / 100;
  }
}

document.addEventListener("input", addUp);
addUp();

// Of lines and areas, those of the chosen plan are offered, and what is chosen already.

const plan = document.querySelector("#id_plan");

function narrow() {
  for (const group of document.querySelectorAll("#id_line optgroup, #id_area optgroup")) {
    const isOther = plan.value && group.label.split(":")[0] !== plan.value;
    group.hidden = group.disabled = isOther && !group.querySelector(":checked");
  }
}

plan?.addEventListener("change", narrow);
if (plan) narrow();
