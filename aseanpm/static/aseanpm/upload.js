// Files on their way: how far they are, and a way to stop. Without this file the form
// is sent as every other.

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-upload]") || !form.querySelector("[type=file]").files.length) return;
  event.preventDefault();
  if (form.dataset.busy) return;
  form.dataset.busy = "1";
  const line = form.querySelector(".upload-progress");
  const [bar, words] = line.children;
  const button = form.querySelector("[type=submit]");
  const request = new XMLHttpRequest();
  const stop = document.createElement("button");
  Object.assign(stop, { type: "button", className: "button", textContent: "Stop" });
  stop.addEventListener("click", () => request.abort());
  button.after(stop);
  button.disabled = true;
  line.hidden = false;
  const end = (said) => {
    delete form.dataset.busy;
    stop.remove();
    button.disabled = false;
    words.textContent = said;
    bar.value = 0;
  };
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    const percent = Math.floor((100 * loaded) / total);
    bar.value = percent;
    words.textContent = loaded < total ? `${percent}%` : "Checking the files …";
    if (loaded === total) stop.remove();
  });
  request.addEventListener("load", () => {
    if (request.getResponseHeader("Content-Type").startsWith("application/json")) {
      const to = new URL(JSON.parse(request.response).to, location);
      const here = to.pathname + to.search === location.pathname + location.search;
      location.assign(to);
      if (here && to.hash) location.reload();
      return;
    }
    const page = new DOMParser().parseFromString(request.response, "text/html");
    const main = page.querySelector("main");
    if (!main) return end("The server did not take it. Nothing is saved.");
    document.querySelector("main").replaceWith(main);
    document.title = page.title;
    (main.querySelector(".problems") ?? main).focus();
    scrollTo(0, 0);
  });
  request.addEventListener("error", () => end("The connection broke. Try again: what has arrived is not saved twice."));
  request.addEventListener("abort", () => end("Stopped. Nothing is saved."));
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  request.send(new FormData(form));
});
