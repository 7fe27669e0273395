# frozen_string_literal: true

# Signs who a visitor is, on your site's server: a hash, or a token. README.md says which, and when.

require "json"
require "openssl"
require "securerandom"

module HulloSigning
  LONGEST_LIFE = 24 * 60 * 60

  USAGE = <<~TEXT
    usage: ruby signing.rb hash VALUE
           ruby signing.rb token APP_KEY EXTERNAL_ID [EMAIL] [NAME]
  TEXT

  module_function

  # The hash that vouches for one value: the external id or, when no external id is sent, the email as it is sent.
  #
  # The key's text is the key, as it is: nothing of it is decoded, from hexadecimal or otherwise.
  def user_hash(key, value)
    OpenSSL::HMAC.hexdigest("SHA256", key, value)
  end

  # The token (a JWT, HS256) that vouches for all of its claims, once, for as many seconds as `ttl` says.
  #
  # The claims: sub, which is the external id, email, name, phone, company, avatar_url, custom_data.
  def signed_token(key, key_id, app_key, claims, ttl = 300)
    unless (1..LONGEST_LIFE).cover?(ttl)
      raise ArgumentError, "a token lives for 1 to #{LONGEST_LIFE} seconds, not for #{ttl}"
    end

    header = { alg: "HS256", typ: "JWT" }
    header[:kid] = key_id unless key_id.to_s.empty?
    now = Time.now.to_i
    ours = { iat: now, exp: now + ttl.to_i, aud: app_key, jti: SecureRandom.hex(16) }
    payload = claims.transform_keys(&:to_sym).merge(ours)
    signed = "#{base64url(JSON.generate(header))}.#{base64url(JSON.generate(payload))}"
    signature = OpenSSL::HMAC.digest("SHA256", key, signed)
    "#{signed}.#{base64url(signature)}"
  end

  def base64url(data)
    [data].pack("m0").tr("+/", "-_").delete("=")
  end

  # The app's identity key, which only the server knows.
  def identity_key
    key = ENV.fetch("HULLO_IDENTITY_KEY", "")
    raise KeyError, "HULLO_IDENTITY_KEY is not set: it holds the app's identity key (hik_…)" if key.empty?

    key
  end

  # For trying it.
  def main(arguments)
    # Whatever the locale says.
    case arguments.map { |argument| argument.dup.force_encoding(Encoding::UTF_8) }
    in ["hash", value]
      puts user_hash(identity_key, value)
    in ["token", app_key, external_id, *others] if others.size <= 2
      email, name = others
      claims = { sub: external_id, email: email, name: name }.reject { |_, value| value.to_s.empty? }
      puts signed_token(identity_key, ENV.fetch("HULLO_IDENTITY_KEY_ID", nil), app_key, claims)
    else
      warn USAGE
      return 2
    end
    0
  rescue StandardError => e
    warn e.message
    1
  end
end

exit HulloSigning.main(ARGV) if __FILE__ == $PROGRAM_NAME
