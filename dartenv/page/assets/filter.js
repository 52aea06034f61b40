"use strict";
// Findings and facts by word and by status, and commands to the clipboard.
{
  const findings = [...document.querySelectorAll(".finding")];
  const query = document.getElementById("query");
  const ticks = [...document.querySelectorAll("input[name=status]")];
  const matches = (text, words) => words.every((word) => text.includes(word));
  const wordsOf = (input) => input.value.toLowerCase().split(/\s+/).filter(Boolean);

  const filter = () => {
    const shown = new Set(ticks.filter((tick) => tick.checked).map((tick) => tick.value));
    const words = wordsOf(query);
    let any = false;
    for (const finding of findings) {
      // A search looks through all of them, whatever is ticked.
      const hit = words.length ? matches(finding.textContent.toLowerCase(), words) : shown.has(finding.dataset.status);
      finding.hidden = !hit;
      any = any || hit;
    }
    const none = document.getElementById("none");
    none.hidden = any;
    // Without a word to look for, what is left out is what nobody has to act on.
    const said = none.querySelector("[data-w]");
    said.dataset.w = words.length ? "none-shown" : "none-ticked";
    said.textContent = say(said.dataset.w);
  };
  if (query) {
    query.addEventListener("input", filter);
    for (const tick of ticks) tick.addEventListener("change", filter);
    document.getElementById("filter").addEventListener("submit", (event) => event.preventDefault());
    filter();
  }

  const factQuery = document.getElementById("fact-query");
  if (factQuery) {
    const rows = [...document.querySelectorAll("#facts tbody tr")];
    factQuery.addEventListener("input", () => {
      const words = wordsOf(factQuery);
      for (const row of rows) row.hidden = !matches(row.textContent.toLowerCase(), words);
    });
  }

  const copied = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch (error) {
      // A page opened from a file may have no clipboard: the older way still works there.
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  };
  for (const button of document.querySelectorAll(".copy")) {
    const named = () => button.setAttribute("aria-label", `${say("copy")}: ${button.dataset.copy}`);
    named();
    document.addEventListener("spoken", named);
    button.addEventListener("click", async () => {
      await copied(button.dataset.copy);
      const text = button.querySelector("[data-w]");
      text.textContent = say("copied");
      setTimeout(() => { text.textContent = say("copy"); }, 1500);
    });
  }
}
