package sdktest

import (
	"github.com/meltemi-mesh/meltemi/sdk"
)

// argumentPaths are ways that may lead somewhere in one protocol or another.
var argumentPaths = []string{"0", "1", "0.0", "1.1", "1.1.1", "0.name", "1.name.0", "1:int64"}

// arguments looks for arguments in a request, whatever it carries.
func (c *checker) arguments(reader sdk.ArgumentReader, m *sdk.Message) {
	for _, text := range argumentPaths {
		p, err := sdk.ParsePath(text)
		if err != nil || reader.CheckPath(&p) != nil {
			continue
		}
		c.begin("AppendArgument", m.Bytes)
		value, found, err := reader.AppendArgument([]byte(newValue), m, &p)
		c.end()
		switch {
		case len(value) < len(newValue) || string(value[:len(newValue)]) != newValue:
			c.fail(m.Bytes, "AppendArgument of %s does not append: %q", text, value)
		case !found && len(value) > len(newValue), found && err != nil:
			c.fail(m.Bytes, "AppendArgument of %s: a value that is none: %q, %v, %v", text, value, found, err)
		}
	}
}
