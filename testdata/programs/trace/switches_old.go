//go:build !go1.23

package main

import "context"

// switches: there are no coroutines before Go 1.23.
func switches(context.Context) {}
