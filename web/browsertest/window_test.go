package browsertest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	code := m.Run()
	Close()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// failures are a test's, kept from it.
type failures struct {
	testing.TB
	all []string
}

func (f *failures) Errorf(format string, args ...any) {
	f.all = append(f.all, fmt.Sprintf(format, args...))
}

// count is how many complaints speak of something.
func (f *failures) count(what string) (n int) {
	for _, text := range f.all {
		if strings.HasPrefix(text, "ada: the page complained: ") && strings.Contains(text, what) {
			n++
		}
	}
	return n
}

const faulty = `<!doctype html><title>faulty</title><body>
<p id=cookie></p>
<form><input name=field></form>
<script>
	console.warn("a warning is none");
	console.error("said on the console");
	setTimeout(() => { throw new Error("thrown later") });
	Promise.reject(new Error("refused to nobody"));
	document.getElementById("cookie").textContent = document.cookie;
	document.cookie = "been=here";
	document.querySelector("input").addEventListener("input", (e) => { window.heard = e.target.value });
</script>
<img src="https://elsewhere.invalid/x.png">`

func servePage(t *testing.T) (url string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Security-Policy", "img-src 'self'")
		fmt.Fprint(w, faulty)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestComplaints: what a page complains of fails its test, once the window has been closed.
func TestComplaints(t *testing.T) {
	url := servePage(t)
	heard := &failures{}
	t.Run("window", func(t *testing.T) {
		heard.TB = t
		w := Open(heard, "ada", url)
		w.Until("have loaded", `document.readyState === "complete"`)
		w.Eval(`new Promise((done) => setTimeout(done))`) // after the timers of the page
	})
	for _, want := range []string{"said on the console", "thrown later", "refused to nobody", "refused by the policy: img-src"} {
		if n := heard.count(want); n != 1 {
			t.Errorf("heard %q %d times, of %q", want, n, heard.all)
		}
	}
	if heard.count("a warning") != 0 {
		t.Errorf("a warning failed the test: %q", heard.all)
	}
}

// TestContexts: windows share nothing, a tab shares all with its window.
func TestContexts(t *testing.T) {
	url := servePage(t)
	heard := &failures{TB: t}
	one := Open(heard, "one", url)
	two, tab := Open(heard, "two", url), one.Tab("tab", url)
	const been = `document.getElementById("cookie").textContent`
	for w, want := range map[*Window]string{one: "", two: "", tab: "been=here"} {
		if got := Value[string](w, been); got != want {
			t.Errorf("%s has the cookie %q: want %q", w.Name, got, want)
		}
	}
	two.Fill("field", "ä text")
	two.Until("hear of it", `heard === "ä text"`)
}
