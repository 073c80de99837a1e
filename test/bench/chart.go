package main

import (
	"fmt"
	"image/color"
	"os"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// colors are told apart also by those who see no red or no green (Okabe and Ito). Native
// filters have one of their own.
var colors = map[string]color.Color{
	tcpProxy.name:   color.Gray{0xbb},
	plainHTTP2.name: color.RGBA{0xf0, 0xe4, 0x42, 0xff},
	plainHTTP1.name: color.RGBA{0xe6, 0x9f, 0x00, 0xff},
	meltemi.name:    color.RGBA{0x00, 0x72, 0xb2, 0xff},

	luaHTTP1.name:       color.RGBA{0xd5, 0x5e, 0x00, 0xff},
	meltemiEmpty.name:   color.RGBA{0x00, 0x9e, 0x73, 0xff},
	meltemiReading.name: color.RGBA{0xcc, 0x79, 0xa7, 0xff},
}

var nativeColor = color.RGBA{0x56, 0xb4, 0xe9, 0xff}

const (
	panelWidth  = 22 * vg.Centimeter
	panelHeight = 7 * vg.Centimeter
)

// drawChart draws a panel for each topology: the CPU time per call at saturation, bars
// of subjects in groups of loads.
func drawChart(file string, rows []row) (err error) {
	var panels [][]*plot.Plot
	for start := 0; start < len(rows); {
		end := start
		for end < len(rows) && rows[end].topology == rows[start].topology {
			end++
		}
		p, err := drawPanel(rows[start:end])
		if err != nil {
			return err
		}
		panels = append(panels, []*plot.Plot{p})
		start = end
	}
	canvas := vgsvg.New(panelWidth, panelHeight*vg.Length(len(panels)))
	canvas.SetColor(color.White) // for pages that are dark
	canvas.Fill(vg.Rectangle{Max: vg.Point{X: panelWidth, Y: panelHeight * vg.Length(len(panels))}}.Path())
	tiles := draw.Tiles{Rows: len(panels), Cols: 1, PadY: vg.Centimeter / 2}
	for i, row := range plot.Align(panels, tiles, draw.New(canvas)) {
		panels[i][0].Draw(row[0])
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() {
		if e := out.Close(); err == nil {
			err = e
		}
	}()
	_, err = canvas.WriteTo(out)
	return err
}

func drawPanel(rows []row) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = rows[0].topology.title()
	p.Y.Label.Text = "CPU µs per call"
	p.Y.Min = 0
	p.Legend.Top = true
	p.Legend.Padding = vg.Points(2)

	var loads, subjects []string
	bars := map[string]plotter.Values{}
	for i := range rows {
		r := &rows[i]
		if r.Mode != saturation {
			continue
		}
		load := fmt.Sprintf("%dx%d, %s", r.Connections, r.InFlight, size(r.Payload))
		if len(loads) == 0 || loads[len(loads)-1] != load {
			loads = append(loads, load)
		}
		if bars[r.Subject] == nil {
			subjects = append(subjects, r.Subject)
		}
		bars[r.Subject] = append(bars[r.Subject], r.CPUPerCall)
	}
	width := vg.Points(14)
	for i, s := range subjects {
		chart, err := plotter.NewBarChart(bars[s], width)
		if err != nil {
			return nil, err
		}
		if chart.Color = colors[s]; chart.Color == nil {
			chart.Color = nativeColor
		}
		chart.LineStyle.Width = 0
		chart.Offset = width * (vg.Length(i) - vg.Length(len(subjects)-1)/2)
		p.Add(chart)
		p.Legend.Add(s, chart)
	}
	p.NominalX(loads...)
	// Room for the outer bars, and for the legend above those at the left.
	p.X.Min, p.X.Max = -0.6, float64(len(loads))-0.4
	p.Y.Max *= 1.4
	return p, nil
}
