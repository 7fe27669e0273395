// All that the shop's pages say to hullo. widget.js comes before this file and is deferred as well, so Hullo is there,
// unless something in the browser keeps it away: then the shop works without.

if (window.Hullo) {
  // What the shop's server has signed for whoever is logged in. Said on every page: repeats cost nothing.
  const identity = JSON.parse(document.getElementById("identity").textContent);
  if (identity) {
    Hullo.identify(identity).catch((refused) => console.warn("identify was refused:", refused.code));
  }

  const logout = document.getElementById("logout");
  logout?.addEventListener("submit", (event) => {
    event.preventDefault();
    // submit() calls no listeners, so this one is not asked again.
    Hullo.reset().finally(() => logout.submit());
  });

  for (const button of document.querySelectorAll(".ask")) {
    button.addEventListener("click", () => Hullo.open());
  }
}
