// Proposes the rate on record as soon as currency and day are known. Without a script
// the button beside the rate does it.

const field = (name) => document.getElementById(`id_${name}`);
const [currency, day] = [field("currency"), field("effective_on")];
const names = ["rate", "rate_on", "rate_source"];
let proposed = null;

const asked = () => `${currency.value.trim().toUpperCase()} ${day.value}`;

async function propose() {
  const pair = asked();
  if (!/^[A-Z]{3} \d{4}-\d{2}-\d{2}$/.test(pair)) return;
  const isOwn = field("rate").value && field("rate").value !== proposed?.rate;
  if (isOwn || field("proposed").value === pair) return;
  const query = { currency: currency.value, on: day.value };
  const answer = await fetch(`/rates/proposed/?${new URLSearchParams(query)}`);
  const rate = answer.ok && (await answer.json());
  if (!rate || pair !== asked()) return;
  for (const name of names) field(name).value = rate[name];
  proposed = rate;
  field("proposed").value = rate.rate ? pair : "";
}

if (field("rate") && field("proposed")) {
  currency.addEventListener("change", propose);
  day.addEventListener("change", propose);
  if (!field("rate").value) propose();
}
