package bench

import "math"

// axis is one direction of a plot.
type axis struct {
	label    string // the unit
	log      bool
	min, max float64
	ticks    []tick
}

type tick struct {
	at   float64
	text string
}

// at is where a value lies, 0 to 1.
func (a axis) at(v float64) float64 {
	low, high := a.min, a.max
	if a.log {
		v, low, high = math.Log10(max(v, a.min)), math.Log10(a.min), math.Log10(a.max)
	}
	if high <= low {
		return 0
	}
	return (v - low) / (high - low)
}

// fromZero is an axis from zero to a round number at or above most.
func fromZero(label string, most float64) axis {
	step := roundStep(most, 5)
	a := axis{label: label, max: step * math.Max(1, math.Ceil(most/step-1e-9))}
	a.tick(step)
	return a
}

// upToEnd is an axis that ends where the data does.
func upToEnd(label string, from, end float64) axis {
	a := axis{label: label, min: from, max: end}
	a.tick(roundStep(end-from, 6))
	return a
}

func (a *axis) tick(step float64) {
	for i := max(0, math.Ceil(a.min/step-1e-9)); i*step <= a.max*(1+1e-9); i++ {
		a.ticks = append(a.ticks, tick{i * step, short(i * step)})
	}
}

// roundStep is 1, 2 or 5 times a power of ten, so that about n of it make span.
func roundStep(span float64, n int) float64 {
	if span <= 0 || math.IsInf(span, 0) || math.IsNaN(span) {
		return 1
	}
	raw := span / float64(n)
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, f := range []float64{1, 2, 5} {
		if raw <= f*power*(1+1e-9) {
			return f * power
		}
	}
	return 10 * power
}

// logarithmic is an axis around positive values, with ticks at 1, 2 and 5 where
// there is room for them.
func logarithmic(label string, least, most float64) axis {
	least, most = least/1.3, most*1.3
	a := axis{label: label, log: true, min: least, max: most}
	factors := []float64{1, 2, 5}
	if math.Log10(most/least) > 2.5 {
		factors = factors[:1]
	}
	for e := math.Floor(math.Log10(least)); e <= math.Log10(most); e++ {
		for _, f := range factors {
			if v := f * math.Pow(10, e); v >= least && v <= most {
				a.ticks = append(a.ticks, tick{v, short(v)})
			}
		}
	}
	return a
}

// percentiles is an axis on which each digit more of nines has the same room:
// logarithmic in 1/(1-p), as HdrHistogram's plots have it. Its values are from nines.
func percentiles(most float64) axis {
	a := axis{label: "percentile", max: math.Max(2, most)}
	for _, p := range []string{"0", "50", "90", "99", "99.9", "99.99", "99.999", "99.9999"} {
		at := nines(number64(p))
		if at <= a.max+1e-9 && (p != "50" || a.max <= 4.5) {
			a.ticks = append(a.ticks, tick{at, p})
		}
	}
	return a
}

// nines is the place of a percentile below 100 on that axis.
func nines(percentile float64) float64 { return -math.Log10(1 - percentile/100) }
