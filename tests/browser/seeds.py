"""What the two documents say, word for word but for the script's address and the ids."""

from __future__ import annotations

from browser.serving import App

# The email is not legible in the document.
CONVOT = """<script>
// Call this when you know who the visitor is (e.g. after login).
Convot.identify({
email: "jane@example.com", // match by email
external_id: "your_user_id_123", // or match by your own ID
name: "Jane Doe",
company: "Acme Inc",
phone: "+1234567890",
avatar_url: "https://example.com/avatars/jane.png",
user_hash: "SERVER_GENERATED_HMAC", // see Identity Verification
custom_data: { // any extra key-value pairs
plan: "pro",
shopify_store: "my-store.myshopify.com",
order_count: 42
}
});
</script>"""

SONNY = """<!-- Sonny widget snippet -->
<script>
(function(){
var w=window,d=document,s=d.createElement('script');
w.sonny=w.sonny||function(){(w.sonny.q=w.sonny.q||[]).push(arguments)};
s.src='https://widget.usesonny.com/widget.js';
s.async=true;d.head.appendChild(s);
})();
// Identify before init — identity is queued and sent when the socket connects
sonny('identify', {
email: 'jane@example.com',
name: 'Jane Smith'
});
sonny('init', { siteId: 'YOUR_SITE_ID' });
</script>"""


def convot(app: App) -> str:
    return CONVOT.replace("SERVER_GENERATED_HMAC", app.hash("your_user_id_123"))


def sonny(app: App) -> str:
    there = SONNY.replace("https://widget.usesonny.com/widget.js", f"{app.widget}?function=sonny")
    return there.replace("YOUR_SITE_ID", app.key)
