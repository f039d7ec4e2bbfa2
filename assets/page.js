// Buttons that copy, and tables that are narrowed down while typing. Everything works without this file.
"use strict";
for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const from = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(from.textContent.trim() + "\n");
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(from);
      button.textContent = "Selected: copy it";
    }
  });
}
for (const field of document.querySelectorAll("input[data-filter]")) {
  field.closest("form").hidden = false;
  const rows = [...document.getElementById(field.dataset.filter).tBodies[0].rows];
  const count = document.getElementById(field.dataset.count);
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      shown += row.hidden ? 0 : 1;
    }
    count.textContent = shown + " of " + rows.length;
  });
}

// In a copy as files addresses are looked up here: in a file for each first octet (IPv4) or first group (IPv6).
// [bits, number, length] of an address or prefix; nothing if it is neither.
function prefixOf(text) {
  const [address, length, more] = text.split("/");
  let groups = [], bits = 32, size = 8;
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(address)) {
    groups = address.split(".").map(Number);
  } else if (/^[0-9a-f:.]*:[0-9a-f:.]*$/i.test(address)) {
    let host;
    try { host = new URL("http://[" + address + "]").hostname.slice(1, -1); } catch { return null; }
    const [head, tail] = host.split("::").map((half) => (half ? half.split(":") : []));
    groups = [...head, ...Array(tail ? 8 - head.length - tail.length : 0).fill("0"), ...(tail ?? [])].map((group) => parseInt(group, 16));
    [bits, size] = [128, 16];
  }
  const len = length === undefined ? bits : /^\d{1,3}$/.test(length) ? Number(length) : -1;
  if (!groups.length || more !== undefined || groups.some((group) => group >= 2 ** size) || len < 0 || len > bits) return null;
  const number = groups.reduce((sum, group) => (sum << BigInt(size)) | BigInt(group), 0n);
  // An IPv4 address in the clothes of IPv6.
  if (bits === 128 && len >= 96 && number >> 32n === 0xffffn) return [32, number & 0xffffffffn, len - 96];
  const host = BigInt(bits - len);
  return [bits, (number >> host) << host, len];
}
const shards = new Map();
function shard(root, name) {
  const read = async () => {
    const answer = await fetch(root + name + ".json");
    // No file: no tag has an address that begins like this.
    if (answer.status === 404) return [];
    if (!answer.ok) throw new Error("lookup/" + name + ".json: " + answer.status);
    return (await answer.json()).map(([text, cloud, tags]) => ({ text, cloud, tags, at: prefixOf(text) }));
  };
  if (!shards.has(name)) shards.set(name, read());
  return shards.get(name);
}
async function found(root, [bits, number, len]) {
  const own = bits === 32 ? len >= 8 && "4-" + (number >> 24n) : len >= 16 && "6-" + (number >> 112n).toString(16);
  if (!own) throw new Error("a prefix this wide is looked up by `tagwall lookup`");
  const rows = [...(await shard(root, "wide")), ...(await shard(root, own))];
  const cut = (value, length) => value >> BigInt(bits - length);
  return rows.filter(({ at }) => at[0] === bits && cut(at[1], Math.min(len, at[2])) === cut(number, Math.min(len, at[2])))
    .flatMap(({ text, cloud, tags, at }) => tags.map((tag) => ({ tag, cloud, text, whole: at[2] <= len })));
}
function element(name, text, more = {}) {
  return Object.assign(document.createElement(name), { textContent: text, ...more });
}
function answer(form, query, rows) {
  const section = element("section", "", { ariaLabel: query });
  const rank = ({ tag, whole }) => [!whole, tag.startsWith("AzureCloud"), !tag.includes("."), tag.length];
  const order = (a, b) => { const [x, y] = [rank(a), rank(b)]; const at = x.findIndex((value, i) => value !== y[i]); return at < 0 ? 0 : x[at] < y[at] ? -1 : 1; };
  const first = [...rows].sort(order)[0];
  const words = first ? (first.whole ? " is " : " is in part ") + first.tag + "." : " is in no service tag.";
  section.append(element("h2", query + words, { className: "verdict" }));
  if (rows.length) {
    const table = document.createElement("table");
    const head = table.createTHead().insertRow();
    for (const word of ["Tag", "Cloud", "Prefix"]) head.append(element("th", word, { scope: "col" }));
    const body = table.createTBody();
    for (const { tag, cloud, text, whole } of rows) {
      const row = body.insertRow();
      row.insertCell().append(element("a", tag, { href: form.dataset.tags + cloud + "/" + tag + "/" }));
      row.insertCell().textContent = cloud;
      row.insertCell().append(element("code", text), whole ? "" : element("span", " (in part)", { className: "soft" }));
    }
    const scroll = element("div", "", { className: "table", tabIndex: 0, role: "region", ariaLabel: "Tags of " + query });
    scroll.append(table);
    section.append(scroll);
  }
  return section;
}
for (const form of document.querySelectorAll("form[data-lookup]")) {
  form.hidden = false;
  const asked = new URLSearchParams(location.search).get("q") ?? "";
  form.elements.q.value = asked;
  const sections = asked.split(/[\s,;]+/).filter(Boolean).slice(0, 100).map(async (query) => {
    try {
      const at = prefixOf(query);
      return at ? answer(form, query, await found(form.dataset.lookup, at)) : element("p", query + " is neither an address nor a prefix.", { className: "warn" });
    } catch (error) {
      return element("p", query + ": " + error.message, { className: "warn" });
    }
  });
  Promise.all(sections).then((all) => document.getElementById("answers").append(...all));
}
