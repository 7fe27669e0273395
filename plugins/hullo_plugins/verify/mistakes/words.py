"""The sentences about mistakes: what was done, and what to do instead.

`field` is the evidence, `signed` what it is over, `app` the app key, and `about` what the mistake itself brings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hullo.plugin import UNRECOGNISED

_WHOLE_KEY: Final = "The key is its text: hand all of it to HMAC as it is, with the `hik_`."
_AS_SENT: Final = "Sign the {about} exactly as the page sends it."
_HASH: Final = "Send the 64 hexadecimal characters"

_KEY_SENTENCES: Final[Mapping[str, str]] = {
    "key_decoded_from_hex": f"The identity key was decoded from hexadecimal before it was used. {_WHOLE_KEY}",
    "key_decoded_from_base64": f"The identity key was decoded from base64 before it was used. {_WHOLE_KEY}",
    "key_without_prefix": f"The identity key was used without its beginning. {_WHOLE_KEY}",
    "key_with_whitespace": "White space came along with the identity key, such as the line break at the end of a file. "
    "Trim the key where your server reads it.",
    "key_with_quotes": "Quotes came along with the identity key, as from some .env files. Leave them out.",
    "key_in_other_case": "The identity key was written in capitals. Use it as it was shown.",
    "key_not_utf8": "The identity key was turned into bytes as UTF-16. Use its UTF-8 bytes.",
    "key_empty": "The key was empty, or a word for nothing: the setting that should hold it was not there, or nothing "
    "was left of the key when it was decoded from hexadecimal. Set it where your server runs, and use its text.",
    "key_id_as_key": "The id of an identity key (ik_…) was used as the key. Use the key itself (hik_…), as it was "
    "shown when it was made.",
    "app_key_as_key": "The app key was used as the key, and everybody knows that one. Use an identity key (hik_…), and "
    "only on your server.",
    "public_key_as_key": "The public key was used as an HMAC secret, and everybody may know that one. Sign with its "
    "private half, or use HS256 with an identity key (hik_…).",
    "retired_key": "An identity key was used that is retired. Sign with an active one: `hullo identity-key list {app}` "
    "shows which are, and `hullo identity-key add {app}` makes another.",
    "key_sent": "A secret key was sent as {field}, where every visitor can read it. Retire that key now and make "
    "another one, keep it on your server, and send what it signs.",
    "not_text": "{field} is blank, or no text but a list, a number or an object. Send one text.",
}

HASH_SENTENCES: Final[Mapping[str, str]] = {
    **_KEY_SENTENCES,
    # What was signed
    "email_signed": "The email was signed, although an external_id is sent. Sign the external_id: where there is one, "
    "the hash is over it.",
    "other_field_signed": "What was signed is {about}, and {field} is the hash of {signed}. Sign {signed}, or send as "
    "{signed} what was signed.",
    "email_folded": "The email was trimmed or put in lower case before it was signed, and is sent as it was typed. "
    "Sign exactly what the page sends, or send what was signed.",
    "email_not_folded": "The email was signed with capitals, and is sent without. Sign exactly what the page sends, or "
    "send what was signed.",
    "value_with_whitespace": "The {about} was signed with white space that is not sent, such as a line break at its "
    f"end. {_AS_SENT}",
    "value_trimmed": f"The {{about}} is sent with white space around it, and was signed without. {_AS_SENT}",
    "value_json_quoted": "The {about} was signed in quotes, as JSON writes it. Sign the text inside of them.",
    "value_case": f"The {{about}} was signed in another case than it is sent in. {_AS_SENT}",
    "value_number": "The {about} is a number, and was signed in another form, as 123.0 is one of 123. Sign the digits "
    "that the page sends.",
    "value_url_encoded": "The {about} was signed as an address writes it, with %40 for @. Sign the text itself.",
    "value_not_utf8": "The {about} was turned into bytes as UTF-16 or Latin-1. Sign its UTF-8 bytes.",
    "value_normalised": "The {about} was signed in another Unicode normal form (NFC, NFD) than it is sent in. "
    f"{_AS_SENT}",
    "no_value": "{field} was sent without {signed} that it could be over. Send what was signed beside it.",
    "external_id_rejected": "The external_id that was sent is left out of the call ({about}), so that the hash would "
    "have to be over the email. Send an external_id that is taken.",
    # How it was signed
    "key_and_value_swapped": "The key and the value changed places: your HMAC function takes them in the other order.",
    "other_digest": "{field} was made with {about}. Use HMAC-SHA256, with the identity key as its key.",
    # How it was written
    "base64": f"{{field}} is written in base64. {_HASH}.",
    "base64url": f"{{field}} is written in base64url. {_HASH}.",
    "base64_of_hex": f"{{field}} is hexadecimal that was put in base64. {_HASH} themselves.",
    "hex_twice": f"{{field}} was put in hexadecimal twice. {_HASH} of the first time.",
    "upper_case": "{field} is in upper case. Write it in lower case.",
    "stray_characters": "Something stands around {field} or between its characters: white space, quotes, dashes, or a "
    f"prefix such as `sha256=` or `0x`. {_HASH} alone.",
    "url_encoded": "{field} is written as an address writes it, with % signs. Send it plainly.",
    "truncated": "{field} has {about} characters, and a hash has 64: it was cut off, or made with another digest. "
    "Use HMAC-SHA256, and send all of it.",
    "too_long": "{field} has {about} characters, and a hash has 64: something was added to it, or it was made with "
    "another digest. Use HMAC-SHA256, in hexadecimal.",
    "not_hashed": "{field} is what should have been signed, and not a hash of it. Your server computes the hash, with "
    "an identity key.",
    "token_as_hash": "{field} holds a JSON Web Token. Send that as `token`.",
    UNRECOGNISED: "{field} is wrong, and no common mistake fits. Look, in this order: is the key an active one of this "
    "app, whole and as text; is what your server signs the {signed} of the page, character by character; is it "
    "HMAC-SHA256, with the key as its key; is it in lower-case hexadecimal. `hullo hash {app} VALUE` shows what it "
    "should be.",
}

TOKEN_SENTENCES: Final[Mapping[str, str]] = {
    **_KEY_SENTENCES,
    # Its form
    "no_jwt": "{about}",
    "token_too_long": "{field} is longer than {about} characters. Leave out what the page can do without.",
    "token_type": "The token's typ is another than JWT. Write JWT, or leave it out.",
    "hash_as_token": "{field} holds a hash, and no JSON Web Token. Send that as `user_hash`.",
    "stray_characters": "Something stands around the token: white space, quotes, or `Bearer`. Send the token alone.",
    # Its signature
    "algorithm": "The token's alg is {about}",
    "unknown_kid": "The token's kid names no key of this app for its alg. Leave it out, or write the id that "
    "`hullo identity-key list {app}` shows.",
    "kid_of_another_key": "The token's kid names one key of this app, and another one signed it. Leave it out, or "
    "name the key that signs.",
    "other_key_pair": "The token's signature is not of the private key whose public half the app has. Sign with that "
    "one, or register the other: `hullo identity-key add {app} --public-key FILE`.",
    "signature_in_der": "The token's signature is written in DER, as OpenSSL does it. ES256 takes r and s, 64 bytes "
    "together (RFC 7518, section 3.4): let a JWT library sign.",
    "signature_in_hex": "The token's signature is written in hexadecimal. JWTs take it in base64url: let a JWT library "
    "sign.",
    UNRECOGNISED: "The signature of {field} is wrong, and no common mistake fits. Look, in this order: is the key an "
    "active one of this app, whole and as text; was the token changed after it was signed; does a JWT library sign "
    "it, with HS256. `hullo token {app} --external-id …` shows one that is right.",
    # Time and audience
    "audience": "The token is for {about}, and its aud must be this app's key, {app}.",
    "no_aud": "The token has no aud. Set it to the app key, {app}.",
    "no_exp": "The token has no exp, or one that is no number. Set it to when the token ends, in seconds since 1970: "
    "a few minutes from now.",
    "no_iat": "The token's iat is no number of seconds since 1970. Leave it to your JWT library, or out.",
    "no_nbf": "The token's nbf is no number of seconds since 1970. Leave it out.",
    "no_jti": "The token's jti is no text of 1 to 255 characters. Make it a random text, or leave it out.",
    "milliseconds": "The token's {about} is in milliseconds. Write seconds, in JavaScript Math.floor(Date.now() / "
    "1000).",
    "expired": "The token expired {about}",
    "not_yet_valid": "The token's {about} in the future. Your server's clock is ahead, as 60 seconds are forgiven: "
    "let it be set by NTP.",
    "lives_too_long": "The token lives for more than 24 hours. Let its exp be a few minutes from now, and make one "
    "for each page view.",
    # Whom it is about
    "no_sub": "The token has {about} and no sub. A token says the external_id as `sub`; nothing else in it is read as "
    "one.",
    "sub_names_nobody": "The token's sub is a word for nobody, as null or 0 is one. Make a token only for who is "
    "logged in.",
    "token_names_nobody": "The token has neither a sub nor an email, so that it says nothing about anybody.",
    "field_rejected": "A field of the token is left out. {about}.",
}
