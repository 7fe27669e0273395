// Signs who a visitor is, on your site's server: a hash, or a token. README.md says which, and when.
package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"
)

const longestLife = 24 * time.Hour

const usage = `usage: go run . hash VALUE
       go run . token APP_KEY EXTERNAL_ID [EMAIL] [NAME]`

// userHash is the hash that vouches for one value: the external id or, when no external id is sent, the email as it
// is sent.
//
// The key's text is the key, as it is: nothing of it is decoded, from hexadecimal or otherwise.
func userHash(key, value string) string {
	return hex.EncodeToString(hmacSHA256(key, value))
}

// signedToken is the token (a JWT, HS256) that vouches for all of its claims, once, for as long as ttl says.
//
// The claims: sub, which is the external id, email, name, phone, company, avatar_url, custom_data.
func signedToken(key, keyID, appKey string, claims map[string]any, ttl time.Duration) (string, error) {
	if ttl < time.Second || ttl > longestLife {
		return "", fmt.Errorf("a token lives for 1 to %d seconds, not for %d", longestLife/time.Second, ttl/time.Second)
	}
	header := map[string]any{"alg": "HS256", "typ": "JWT"}
	if keyID != "" {
		header["kid"] = keyID
	}
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		return "", err
	}
	payload := make(map[string]any, len(claims)+4)
	for name, value := range claims {
		payload[name] = value
	}
	now := time.Now()
	payload["iat"] = now.Unix()
	payload["exp"] = now.Unix() + int64(ttl/time.Second)
	payload["aud"] = appKey
	payload["jti"] = hex.EncodeToString(random)
	headerJSON, err := json.Marshal(header)
	if err != nil {
		return "", err
	}
	payloadJSON, err := json.Marshal(payload)
	if err != nil {
		return "", err
	}
	signed := base64url(headerJSON) + "." + base64url(payloadJSON)
	signature := hmacSHA256(key, signed)
	return signed + "." + base64url(signature), nil
}

func hmacSHA256(key, text string) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

func base64url(data []byte) string {
	return base64.RawURLEncoding.EncodeToString(data)
}

// identityKey is the app's identity key, which only the server knows.
func identityKey() (string, error) {
	key := os.Getenv("HULLO_IDENTITY_KEY")
	if key == "" {
		return "", errors.New("HULLO_IDENTITY_KEY is not set: it holds the app's identity key (hik_…)")
	}
	return key, nil
}

var errUsage = errors.New(usage)

// try is for trying it.
func try(arguments []string) (string, error) {
	isHash := len(arguments) == 2 && arguments[0] == "hash"
	isToken := len(arguments) >= 3 && len(arguments) <= 5 && arguments[0] == "token"
	if !isHash && !isToken {
		return "", errUsage
	}
	key, err := identityKey()
	if err != nil {
		return "", err
	}
	if isHash {
		return userHash(key, arguments[1]), nil
	}
	claims := map[string]any{}
	for i, value := range arguments[2:] {
		if value != "" {
			claims[[]string{"sub", "email", "name"}[i]] = value
		}
	}
	return signedToken(key, os.Getenv("HULLO_IDENTITY_KEY_ID"), arguments[1], claims, 5*time.Minute)
}

func main() {
	signed, err := try(os.Args[1:])
	if errors.Is(err, errUsage) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(signed)
}
