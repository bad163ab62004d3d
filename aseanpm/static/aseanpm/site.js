// Three conveniences. Every page works without them.

const root = document.documentElement;

// The theme button goes round: automatic, dark, light. The choice is a cookie, so that
// the server draws the page in it from the first byte (see base.html).

const button = document.querySelector("[data-theme-button]");
const order = ["auto", "dark", "light"];

function showTheme(theme) {
  if (theme === "auto") delete root.dataset.theme;
  else root.dataset.theme = theme;
  button.setAttribute("aria-label", button.dataset[theme]);
  button.title = button.dataset[theme];
}

if (button) {
  showTheme(root.dataset.theme ?? "auto");
  button.addEventListener("click", () => {
    const now = order.indexOf(root.dataset.theme ?? "auto");
    const next = order[(now + 1) % order.length];
    const age = next === "auto" ? 0 : 365 * 24 * 60 * 60;
    document.cookie = `theme=${next}; path=/; max-age=${age}; samesite=lax`;
    showTheme(next);
  });
}

// What is left empty in a form is not asked: addresses stay short.

document.addEventListener("submit", (event) => {
  if (event.target.method !== "get") return;
  for (const field of event.target.elements) if (!field.value) field.disabled = true;
});

// "/" goes to the search field, unless one is writing.

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";
  if (event.target.closest(typing)) return;
  if (localStorage.keys === "off") return;
  const search = document.querySelector(".search input");
  if (!search) return;
  event.preventDefault();
  const menu = search.closest("[popover]");
  if (menu && !search.checkVisibility?.()) menu.showPopover?.();
  search.focus();
});
