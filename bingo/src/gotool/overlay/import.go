// Laid beside the program's own files by `bingo collect`: see start.go.

package main

import _ "container/ring"
