// Passkeys, on the pages that ask for one or add one. Elsewhere there is a code to type.
// Needs mfa/js/webauthn-json.js, which turns what browsers speak into what servers read.

const button = document.querySelector("[data-passkey]");
const byNumber = /^[\d.]+$|^\[/.test(location.hostname); // a passkey is for a name

if (button && window.PublicKeyCredential && !byNumber) {
  const form = button.form;
  const problem = form.querySelector("[data-passkey-problem]");
  button.closest("[hidden]").hidden = false;
  form.querySelector("[data-passkey-unusable]")?.remove();

  button.addEventListener("click", async (event) => {
    event.preventDefault();
    problem.textContent = "";
    try {
      const credential = await ask[button.dataset.passkey](form);
      form.elements.credential.value = JSON.stringify(credential);
      form.submit();
    } catch (error) {
      problem.textContent = `No passkey was used. ${error.message}`;
    }
  });
}

const given = () => JSON.parse(document.getElementById("passkey-options").textContent);

const ask = {
  async login(form) {
    const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error("The site did not answer; try again in a minute.");
    return webauthnJSON.get((await answer.json()).request_options);
  },

  get: () => webauthnJSON.get(given().request_options),

  create(form) {
    const options = given().creation_options;
    const passwordless = form.elements.passwordless.checked;
    Object.assign(options.publicKey.authenticatorSelection, {
      residentKey: passwordless ? "required" : "discouraged",
      requireResidentKey: passwordless,
      ...(passwordless && { userVerification: "required" }),
    });
    return webauthnJSON.create(options);
  },
};
