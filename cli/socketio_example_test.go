package cli_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const chatPatience = time.Minute

var exampleChat = filepath.Join("..", "docs", "examples", "socketio-chat")

// TestSocketIOExample (I5) runs the example of docs/from-socketio.md as that page
// tells it: two people talk, the network of one is cut, and she comes back to all
// that she missed, in order and once.
func TestSocketIOExample(t *testing.T) {
	if testing.Short() {
		t.Skip("installs npm packages")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(exampleChat)); err != nil {
		t.Fatal(err)
	}
	npmInstall(t, dir)
	n := newGroup(t, buildKlatch(t), 1).nodes[0]
	cable := newCable(t, n.url())
	ada := startChat(t, dir, cable.url(), "ada", "tea")
	ada.wants("* in tea as ada")
	bob := startChat(t, dir, n.url(), "bob", "tea")
	bob.wants("* in tea as bob")

	bob.says("hello")
	ada.wants("bob: hello")
	bob.wants("bob: hello")
	ada.says("hello, bob")
	ada.wants("ada: hello, bob")
	bob.wants("ada: hello, bob")

	cable.cut()
	ada.wantsGone()
	for _, line := range []string{"one", "two", "three"} {
		bob.says(line)
		bob.wants("bob: " + line)
	}
	ada.says("written without a network")
	cable.mend()
	ada.wants("* back, with all that was missed")
	ada.wants("bob: one")
	ada.wants("bob: two")
	ada.wants("bob: three")
	ada.wants("ada: written without a network")
	bob.wants("ada: written without a network")
	bob.says("good")
	ada.wants("bob: good")
	bob.wants("bob: good")
	bob.wantsTyping(ada)
}

// chat is the example's program in one person's hands.
type chat struct {
	t     *testing.T
	name  string
	stdin io.Writer
	lines chan string // closed at its end
	said  said        // its stderr
}

func startChat(t *testing.T, dir, server, name, room string) *chat {
	t.Helper()
	maker := exec.CommandContext(t.Context(), "node", "token.mjs", name, room)
	maker.Dir, maker.Env = dir, append(os.Environ(), "KLATCH_AUTH_JWT_SECRET="+groupSecret)
	token, err := maker.Output()
	if err != nil {
		t.Fatalf("make a token: %v", err)
	}
	c := &chat{t: t, name: name, lines: make(chan string, 100)}
	cmd := exec.Command("node", "chat.mjs", server, room)
	cmd.Dir, cmd.Env, cmd.Stderr = dir, append(os.Environ(), "TOKEN="+strings.TrimSpace(string(token))), &c.said
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.stdin = stdin
	go func() {
		defer close(c.lines)
		for s := bufio.NewScanner(stdout); s.Scan(); {
			c.lines <- s.Text()
		}
	}()
	t.Cleanup(func() { c.end(cmd, stdin) })
	return c
}

// end is for the end of a test: at the end of its input the program ends by itself.
func (c *chat) end(cmd *exec.Cmd, stdin io.Closer) {
	stdin.Close()
	tooLong := time.AfterFunc(10*time.Second, func() { c.t.Errorf("%s's chat does not end", c.name); _ = cmd.Process.Kill() })
	for line := range c.lines {
		if !strings.HasSuffix(line, " is typing") {
			c.t.Errorf("%s was told too much: %s", c.name, line)
		}
	}
	err := cmd.Wait()
	tooLong.Stop()
	if text := c.said.String(); err != nil || text != "" {
		c.t.Errorf("%s's chat: %v\n%s", c.name, err, text)
	}
}

func (c *chat) says(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c.stdin, line+"\n"); err != nil {
		c.t.Fatal(err)
	}
}

// wants waits for the next line, and takes no other.
func (c *chat) wants(line string) {
	c.t.Helper()
	if got := c.next(line); got != line {
		c.t.Fatalf("%s was told %q, not %q\n%s", c.name, got, line, &c.said)
	}
}

// wantsGone waits for the end of the connection, whatever its transport was.
func (c *chat) wantsGone() {
	c.t.Helper()
	const gone = "* gone: transport "
	if got := c.next(gone); !strings.HasPrefix(got, gone) {
		c.t.Fatalf("%s was told %q, not %q\n%s", c.name, got, gone, &c.said)
	}
}

func (c *chat) next(wanted string) string {
	c.t.Helper()
	select {
	case got, ok := <-c.lines:
		if !ok {
			c.t.Fatalf("%s's chat ended before %q\n%s", c.name, wanted, &c.said)
		}
		return got
	case <-time.After(chatPatience):
		c.t.Fatalf("%s was never told %q\n%s", c.name, wanted, &c.said)
	}
	return ""
}

// wantsTyping has the other one type until that is seen: it may be lost.
func (c *chat) wantsTyping(other *chat) {
	c.t.Helper()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for limit := time.After(chatPatience); ; {
		other.says("/typing")
		select {
		case got := <-c.lines:
			if got != typingLine(other) {
				c.t.Errorf("%s was told %q", c.name, got)
			}
			return
		case <-again.C:
		case <-limit:
			c.t.Fatalf("%s never sees that %s is typing", c.name, other.name)
		}
	}
}

func typingLine(c *chat) string { return "* " + c.name + " is typing" }
