package bench

import (
	"fmt"
	"html/template"
	"math"
	"strings"
)

// plot is one picture of the report, in SVG. Colours are the page's, by class.
type plot struct {
	Title   string
	Says    string // in words, for those who do not see it
	x, y    axis
	shaded  float64 // from the left up to here: the warm-up
	lines   []line
	points  []dot
	borders []border
}

// line joins points; a gap is a NaN.
type line struct {
	Name  string
	Class string
	xs    []float64
	ys    []float64
	area  bool
}

// dot is one point by itself.
type dot struct {
	x, y  float64
	class string
	cross bool
	label string // beside it
	says  string
}

// border is a horizontal line, at a bound.
type border struct {
	y     float64
	label string
}

// The picture's own units; the page scales it. Letters of 13 stay readable on a phone.
const (
	plotWidth, plotHeight = 480, 276
	plotLeft, plotRight   = 52, 14
	plotTop, plotBottom   = 26, 42
)

func (p *plot) px(v float64) float64 {
	return plotLeft + p.x.at(v)*(plotWidth-plotLeft-plotRight)
}

func (p *plot) py(v float64) float64 {
	return plotHeight - plotBottom - p.y.at(v)*(plotHeight-plotTop-plotBottom)
}

// Legend is the lines that need a name.
func (p *plot) Legend() []line {
	if len(p.lines) < 2 {
		return nil
	}
	return p.lines
}

// Search is true where points have a verdict.
func (p *plot) Search() bool { return len(p.borders) > 0 }

// SVG draws the plot.
func (p *plot) SVG() template.HTML {
	var b strings.Builder
	text := template.HTMLEscapeString
	fmt.Fprintf(&b, `<svg viewBox="0 0 %d %d" role="img" aria-label="%s"><title>%s</title>`,
		plotWidth, plotHeight, text(p.Title+": "+p.Says), text(p.Title))
	p.drawShade(&b)
	p.drawAxes(&b)
	for _, l := range p.lines {
		p.drawLine(&b, l)
	}
	p.nameShade(&b)
	for _, r := range p.borders {
		y := p.py(r.y)
		fmt.Fprintf(&b, `<line class="border" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/><text class="bound" x="%d" y="%.1f">%s</text>`,
			plotLeft, plotWidth-plotRight, y, y, plotLeft+4, y-5, text(r.label))
	}
	for _, d := range p.points {
		p.drawDot(&b, d)
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String())
}

func (p *plot) drawShade(b *strings.Builder) {
	if p.shaded <= 0 {
		return
	}
	fmt.Fprintf(b, `<rect class="shade" x="%d" y="%d" width="%.1f" height="%d"/>`,
		plotLeft, plotTop, p.shadeWidth(), plotHeight-plotTop-plotBottom)
}

func (p *plot) shadeWidth() float64 { return p.px(min(p.shaded, p.x.max)) - plotLeft }

// nameShade comes after the lines, which would hide it.
func (p *plot) nameShade(b *strings.Builder) {
	if width := p.shadeWidth(); p.shaded > 0 && width > 50 {
		fmt.Fprintf(b, `<text class="quiet" x="%.1f" y="%d" text-anchor="middle">warm-up</text>`, plotLeft+width/2, plotHeight-plotBottom-8)
	}
}

func (p *plot) drawAxes(b *strings.Builder) {
	text := template.HTMLEscapeString
	for _, t := range p.y.ticks {
		y := p.py(t.at)
		fmt.Fprintf(b, `<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`,
			plotLeft, plotWidth-plotRight, y, y, plotLeft-7, y+4.5, text(t.text))
	}
	bottom := plotHeight - plotBottom
	for _, t := range p.x.ticks {
		x := p.px(t.at)
		fmt.Fprintf(b, `<line class="axis" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>`,
			x, x, bottom, bottom+4, x, bottom+18, text(t.text))
	}
	fmt.Fprintf(b, `<line class="axis" x1="%d" x2="%d" y1="%d" y2="%d"/>`, plotLeft, plotWidth-plotRight, bottom, bottom)
	fmt.Fprintf(b, `<text class="unit" x="4" y="14">%s</text>`, text(p.y.label))
	fmt.Fprintf(b, `<text class="unit" x="%d" y="%d" text-anchor="end">%s</text>`, plotWidth-plotRight, plotHeight-6, text(p.x.label))
}

func (p *plot) drawLine(b *strings.Builder, l line) {
	for _, run := range unbroken(l) {
		var path strings.Builder
		for i, at := range run {
			if i > 0 {
				path.WriteByte('L')
			}
			fmt.Fprintf(&path, "%.1f %.1f", p.px(at[0]), p.py(at[1]))
		}
		if l.area && len(run) > 1 {
			bottom := plotHeight - plotBottom
			fmt.Fprintf(b, `<path class="area %s" d="M%sL%.1f %dL%.1f %dZ"/>`,
				l.Class, path.String(), p.px(run[len(run)-1][0]), bottom, p.px(run[0][0]), bottom)
		}
		fmt.Fprintf(b, `<path class="line %s" d="M%s"/>`, l.Class, path.String())
	}
}

// unbroken cuts a line at its gaps.
func unbroken(l line) (runs [][][2]float64) {
	var run [][2]float64
	for i, y := range l.ys {
		if math.IsNaN(y) {
			if len(run) > 0 {
				runs, run = append(runs, run), nil
			}
			continue
		}
		run = append(run, [2]float64{l.xs[i], y})
	}
	if len(run) > 0 {
		runs = append(runs, run)
	}
	return runs
}

func (p *plot) drawDot(b *strings.Builder, d dot) {
	text := template.HTMLEscapeString
	x, y := p.px(d.x), p.py(d.y)
	fmt.Fprintf(b, `<g class="dot %s"><title>%s</title>`, d.class, text(d.says))
	if d.cross {
		fmt.Fprintf(b, `<path d="M%.1f %.1fl9 9m0-9l-9 9"/>`, x-4.5, y-4.5)
	} else {
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="4.5"/>`, x, y)
	}
	b.WriteString(`</g>`)
	if d.label == "" {
		return
	}
	anchor, dx, dy := "end", -6.0, -9.0 // what rises to the right leaves room on the left
	if x < plotLeft+90 {
		anchor, dx, dy = "start", 8, 18
	}
	if y+dy > plotHeight-plotBottom-4 {
		dy = -14
	}
	fmt.Fprintf(b, `<text class="mark" x="%.1f" y="%.1f" text-anchor="%s">%s</text>`, x+dx, y+dy, anchor, text(d.label))
}
