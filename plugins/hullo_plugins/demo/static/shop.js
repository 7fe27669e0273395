// All calls that the shop's pages make to hullo. widget.js stands before this file and is deferred too, so Hullo exists,
// unless the browser blocks it. Then the shop works without it.

if (window.Hullo) {
  // The identity that the shop's server signed for the customer. Every page sends it: a repeat costs nothing.
  const identity = JSON.parse(document.getElementById("identity").textContent);
  if (identity) {
    Hullo.identify(identity).catch((error) => console.warn("hullo refused the identity:", error.code));
  }

  const logout = document.getElementById("logout");
  logout?.addEventListener("submit", (event) => {
    event.preventDefault();
    // submit() calls no listeners, so this one does not run again.
    Hullo.reset().finally(() => logout.submit());
  });

  for (const button of document.querySelectorAll(".ask")) {
    button.addEventListener("click", () => Hullo.open());
  }
}
