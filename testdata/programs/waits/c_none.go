//go:build !cgo || race

package main

func inC() {}
