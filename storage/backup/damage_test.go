package backup

import (
	"archive/tar"
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/klatch-chat/klatch/storage"
)

// TestEveryFlipIsNoticed: of a file, each part that changes is named.
func TestEveryFlipIsNoticed(t *testing.T) {
	_, k := backedUp(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for _, name := range k.names() {
		content := k[name]
		for range 15 {
			spoilt := k.clone()
			i := rng.IntN(len(content))
			spoilt[name][i] ^= 1 << rng.IntN(8)
			disk, dir := spoilt.directory(t)
			_, err := verifyDirectory(t, disk, dir)
			mustName(t, err, name)
			_, err = verifyTar(spoilt.tar(t))
			mustName(t, err, name)
		}
	}
}

// TestEveryByteOfAManifest: no byte of it can change in any way.
func TestEveryByteOfAManifest(t *testing.T) {
	_, k := backedUp(t)
	b := k[manifestName]
	if _, _, err := parseManifest(b); err != nil {
		t.Fatal(err)
	}
	for i := range b {
		for bit := range 8 {
			b[i] ^= 1 << bit
			if m, _, err := parseManifest(b); err == nil {
				t.Fatalf("bit %d of byte %d does not matter: %+v", bit, i, m)
			}
			b[i] ^= 1 << bit
		}
	}
	for n := range b {
		if _, _, err := parseManifest(b[:n]); err == nil {
			t.Fatalf("cut to %d bytes it is good", n)
		}
	}
	if _, _, err := parseManifest(append(slices.Clone(b), '\n')); err == nil {
		t.Error("more behind it does not matter")
	}
}

// TestEveryByteOfAStream: also headers, and what fills up blocks.
func TestEveryByteOfAStream(t *testing.T) {
	_, k := backedUp(t)
	b := k.tar(t)
	if _, err := verifyTar(b); err != nil {
		t.Fatal(err)
	}
	good, rng := slices.Clone(b), rand.New(rand.NewPCG(1, 3))
	var places []int
	for range 200 {
		places = append(places, rng.IntN(len(b)))
	}
	for i := 0; i < blockSize; i += 3 {
		places = append(places, i, len(b)-1-i, len(b)-1-blockSize-i)
	}
	for _, i := range places {
		b[i] ^= 1 << rng.IntN(8)
		_, err := verifyTar(b)
		if err == nil {
			t.Fatalf("byte %d does not matter", i)
		}
		mustName(t, err, "")
		b[i] = good[i]
	}
	if _, err := verifyTar(b); err != nil {
		t.Fatal(err)
	}
	_, err := verifyTar(append(b, 0))
	mustName(t, err, "the tar stream")
}

// TestTruncated: wherever a stream or a file ends too early.
func TestTruncated(t *testing.T) {
	_, k := backedUp(t)
	b := k.tar(t)
	rng := rand.New(rand.NewPCG(1, 4))
	for range 150 {
		_, err := verifyTar(b[:rng.IntN(len(b))])
		mustName(t, err, "the tar stream")
	}
	for n := len(b) - 2*blockSize - 10; n < len(b); n += 7 {
		_, err := verifyTar(b[:n])
		mustName(t, err, "the tar stream")
	}
	for _, name := range k.names() {
		for range 5 {
			spoilt := k.clone()
			spoilt[name] = spoilt[name][:rng.IntN(len(spoilt[name]))]
			disk, dir := spoilt.directory(t)
			_, err := verifyDirectory(t, disk, dir)
			mustName(t, err, name)
			_, err = verifyTar(spoilt.tar(t))
			mustName(t, err, name)
		}
	}
}

// TestMissingAndExtra: a backup is its files, no fewer and no more.
func TestMissingAndExtra(t *testing.T) {
	_, k := backedUp(t)
	for _, name := range k.names() {
		spoilt := k.clone()
		delete(spoilt, name)
		disk, dir := spoilt.directory(t)
		_, err := verifyDirectory(t, disk, dir)
		mustName(t, err, name)
		_, err = verifyTar(spoilt.tar(t))
		mustName(t, err, name)
	}
	for _, name := range []string{"store/00000099.pieces", "store/00000000.pieces", "store/x", "config/more.yaml", "more", "store/deep/er"} {
		spoilt := k.clone()
		spoilt[name] = []byte("more")
		if strings.Count(name, "/") < 2 {
			disk, dir := spoilt.directory(t)
			_, err := verifyDirectory(t, disk, dir)
			mustName(t, err, name)
		}
		_, err := verifyTar(spoilt.tar(t))
		mustName(t, err, name)
	}
	disk, dir := k.directory(t)
	if err := disk.MkdirAll(disk.PathJoin(dir, "store", "deep"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := verifyDirectory(t, disk, dir)
	mustName(t, err, "store/deep")
}

// TestTwice: a stream in which a file comes again.
func TestTwice(t *testing.T) {
	_, k := backedUp(t)
	var b bytes.Buffer
	to := NewTar(&b)
	names := k.names()
	for _, name := range append([]string{names[0]}, names...) {
		if err := to.File(name, k[name]); err != nil {
			t.Fatal(err)
		}
	}
	_, err := verifyTar(b.Bytes())
	mustName(t, err, names[0])
}

// TestManyProblems: what is said stays short.
func TestManyProblems(t *testing.T) {
	k := kept{}
	for i := range 3 * maxProblems {
		k[piecesName(i+1)] = []byte{1}
	}
	m := Manifest{Format: manifestFormat}
	b, _, err := m.encode()
	if err != nil {
		t.Fatal(err)
	}
	k[manifestName] = b
	_, err = verifyTar(k.tar(t))
	var d *DamageError
	if !errors.As(err, &d) || len(d.Problems) != maxProblems || d.More != 2*maxProblems {
		t.Errorf("%d problems and %d more", len(d.Problems), d.More)
	}
}

// TestForged: checksums that fit do not make a gap in the log good (I2), nor pieces of no store.
func TestForged(t *testing.T) {
	_, k := backedUp(t)
	forge := func(k kept, change func(*Manifest)) kept {
		m, _, err := parseManifest(k[manifestName])
		if err != nil {
			t.Fatal(err)
		}
		m.Files = nil
		for _, name := range k.names() {
			if name != manifestName {
				m.Files = append(m.Files, File{name, int64(len(k[name])), sumOf(k[name])})
			}
		}
		change(&m)
		b, _, err := m.encode()
		if err != nil {
			t.Fatal(err)
		}
		k[manifestName] = b
		return k
	}
	nothing := func(*Manifest) {}
	if _, err := verifyTar(forge(k.clone(), nothing).tar(t)); err != nil {
		t.Fatal(err)
	}
	last := slices.DeleteFunc(k.names(), func(name string) bool { return name == manifestName })
	for _, name := range last[2:] {
		cut := k.clone()
		delete(cut, name)
		_, err := verifyTar(forge(cut, nothing).tar(t))
		mustName(t, err, storeDir)
	}
	torn := k.clone()
	torn[last[3]] = torn[last[3]][:len(torn[last[3]])-1]
	_, err := verifyTar(forge(torn, nothing).tar(t))
	mustName(t, err, last[3])
	_, err = verifyTar(forge(k.clone(), func(m *Manifest) { m.Position = m.Position.With(5, 5) }).tar(t))
	mustName(t, err, storeDir)
	_, err = verifyTar(forge(k.clone(), func(m *Manifest) { m.Format = 2 }).tar(t))
	if !errors.Is(err, ErrOther) || !strings.Contains(err.Error(), "v1.2.3") {
		t.Errorf("of a later format: %v", err)
	}
}

// TestHostileNames: a stream that was made up writes nothing elsewhere.
func TestHostileNames(t *testing.T) {
	_, k := backedUp(t)
	for _, name := range []string{"../evil", "config/../../evil", "/evil", "config/..", "store/../evil", "config/.", "restored/x"} {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		if err := w.WriteHeader(header(name, 4)); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte("evil")); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		b.Write(k.tar(t))
		disk := vfs.NewMem()
		d, err := NewDirectory(disk, "/in/side")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Copy(t.Context(), OpenTar(&b), d, nil); err == nil {
			t.Errorf("%s was taken", name)
		}
		if names := append(left(t, disk, "/"), left(t, disk, "/in")...); !slices.Equal(names, []string{"in"}) {
			t.Errorf("%s left %v", name, names)
		}
	}
}

// TestDamagedIsNotRestored: not in a stream either, where the damage shows late.
func TestDamagedIsNotRestored(t *testing.T) {
	_, k := backedUp(t)
	rng := rand.New(rand.NewPCG(1, 5))
	b := k.tar(t)
	for i := range 30 {
		spoilt := slices.Clone(b)
		if i%3 == 0 {
			spoilt = spoilt[:rng.IntN(len(b))]
		} else {
			spoilt[rng.IntN(len(b))] ^= 1
		}
		disk := vfs.NewMem()
		_, _, err := restoreTar(spoilt, disk, "data")
		mustName(t, err, "")
		if names := left(t, disk, "data"); len(names) > 0 {
			t.Fatalf("%v is left", names)
		}
		if there, err := storage.Exists("data", disk); there || err != nil {
			t.Fatal(there, err)
		}
	}
}
