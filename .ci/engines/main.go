// Reads a pattern and texts, each a line of UTF-8 in hexadecimal digits, and prints for each text whether the pattern matches it.
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"regexp"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	next := func() string {
		text, err := hex.DecodeString(lines.Text())
		if err != nil {
			panic(err)
		}
		return string(text)
	}
	lines.Scan()
	pattern := regexp.MustCompile(next())
	for lines.Scan() {
		fmt.Println(pattern.MatchString(next()))
	}
}
