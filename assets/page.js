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
