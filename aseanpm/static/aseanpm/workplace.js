// For those who write. Every form works without it; this makes it faster and safer.

// Leaving a form that was changed asks first. data-guard="changed": it came back from the
// server with what was typed, and is not saved yet.

const guarded = document.querySelectorAll("form[data-guard]");
const written = (form) => new URLSearchParams(new FormData(form)).toString();
const opened = new Map(
  [...guarded].map((form) => [form, form.dataset.guard === "changed" ? null : written(form)]),
);
let leaving = null; // the guarded form that is being sent

addEventListener("beforeunload", (event) => {
  const lost = ([form, before]) => form !== leaving && before !== written(form);
  if ([...opened].some(lost)) event.preventDefault();
});

// A form is sent once, however often the button is pressed; again, when that was stopped.

const sent = new Set();
const forget = () => {
  sent.clear();
  leaving = null;
};

document.addEventListener("submit", (event) => {
  if (event.target.method !== "post" || event.defaultPrevented) return;
  if (sent.has(event.target)) event.preventDefault();
  sent.add(event.target);
  leaving = opened.has(event.target) ? event.target : null;
  setTimeout(forget, 15_000);
});

addEventListener("pageshow", forget);

// Ctrl+S, or Cmd+S, saves the form one is in, or else the first that is not folded away;
// where it can be kept as a draft, it does no more.

const unfolded = () => [...guarded].find((form) => !form.closest("details:not([open])"));

document.addEventListener("keydown", (event) => {
  if (event.key?.toLowerCase() !== "s" || !(event.ctrlKey || event.metaKey)) return;
  const form = event.target.closest("form[data-guard]") ?? unfolded();
  if (!form || event.altKey || event.shiftKey) return;
  event.preventDefault();
  form.requestSubmit(form.querySelector("[data-draft]"));
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
const narrowed = [...document.querySelectorAll("#id_line, #id_area")].map((list) => [
  list,
  [...list.querySelectorAll("optgroup")],
]);

// Groups are taken out, as not every browser hides what is hidden in a list.
function narrow() {
  for (const [list, groups] of narrowed) {
    const chosen = list.value;
    const offered = groups.filter(
      (group) =>
        !plan.value ||
        group.label.split(":")[0] === plan.value ||
        group.querySelector(":checked"),
    );
    for (const group of groups) group.remove();
    list.append(...offered);
    list.value = chosen;
  }
}

plan?.addEventListener("change", narrow);
if (plan) narrow();
