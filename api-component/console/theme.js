// Before the page is drawn, so that it does not flash. Dark or light as the system has it, unless somebody chose.
"use strict";
(() => {
  let theme = null;
  try {
    theme = localStorage.getItem("larder-theme");
  } catch {
    // The browser keeps nothing for pages; then the system decides.
  }
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
})();
