// Language and theme, chosen as on the report's page and remembered by the browser for this address.

import { WORDS } from "./words.js";

const root = document.documentElement;
const CHINESE = 1;

const remember = (key, value) => {
  try {
    localStorage.setItem(`dartenv.${key}`, value);
  } catch (error) {
    console.warn("not remembered:", error);
  }
};
const recall = (key) => {
  try {
    return localStorage.getItem(`dartenv.${key}`);
  } catch (error) {
    return null; // a browser that stores nothing
  }
};

const preferred = () => (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en");
let language = recall("language") ?? preferred();

// What `key` says, with {names} filled in.
export function say(key, values = {}) {
  const text = WORDS[key][language === "zh" ? CHINESE : 0];
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

// Attributes whose word changes with the language: data-w is the text itself.
const PLACES = {
  "data-w": (element, text) => { element.textContent = text; },
  "data-w-label": (element, text) => { element.setAttribute("aria-label", text); },
  "data-w-title": (element, text) => { element.title = text; },
};

export function speak(next) {
  language = next;
  root.lang = language === "zh" ? "zh-CN" : "en";
  for (const [name, put] of Object.entries(PLACES)) {
    for (const element of document.querySelectorAll(`[${name}]`)) {
      put(element, say(element.getAttribute(name)));
    }
  }
  document.dispatchEvent(new CustomEvent("spoken"));
}

export function dress(theme) {
  root.dataset.theme = theme;
}

const isDark = () =>
  (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) ===
  "dark";

// Called once the page is there; `spoken` is called now and with each change of language.
export function begin(spoken) {
  document.getElementById("language").onclick = () => {
    speak(language === "zh" ? "en" : "zh");
    remember("language", language);
  };
  document.getElementById("theme").onclick = () => {
    const next = isDark() ? "light" : "dark";
    dress(next);
    remember("theme", next);
  };
  document.addEventListener("spoken", spoken);
  if (recall("theme")) dress(recall("theme"));
  speak(language);
}
