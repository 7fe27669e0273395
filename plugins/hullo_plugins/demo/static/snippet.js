// The snippet of the documentation. It is in a file because this site's content policy forbids inline scripts.
(function (w, d, n, s) {
  w[n] = w[n] || function () { (w[n].q = w[n].q || []).push(arguments); };
  var e = d.createElement('script');
  e.async = 1;
  e.src = s;
  d.head.appendChild(e);
})(window, document, 'hullo', document.currentScript.dataset.host + '/widget.js');

hullo('init', {
  appKey: document.currentScript.dataset.app,
  host: document.currentScript.dataset.host,
  domains: [document.currentScript.dataset.shop],
});
