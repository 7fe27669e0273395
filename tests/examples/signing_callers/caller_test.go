// Calls signedToken of the example, as a site would, with what is on standard input.
//
// It is built beside a copy of the example, as a test, so that its own main gives way.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"
)

func TestMain(_ *testing.M) {
	var key, appKey string
	var keyID *string
	var claims map[string]any
	var ttl int
	if err := json.NewDecoder(os.Stdin).Decode(&[]any{&key, &keyID, &appKey, &claims, &ttl}); err != nil {
		panic(err)
	}
	if keyID == nil {
		keyID = new(string)
	}
	token, err := signedToken(key, *keyID, appKey, claims, time.Duration(ttl)*time.Second)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(token)
}
