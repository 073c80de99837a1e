package supervisor

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settleTime is how long a file must be left alone before it is read: editors and
// tools write in several steps.
const settleTime = 100 * time.Millisecond

// watch calls changed, from a goroutine of its own, some time after the file at path
// may have changed. It watches the folders of the file and of what it links to,
// because editors replace files rather than write them. The caller closes the
// watcher.
func watch(path string, changed func()) (*fsnotify.Watcher, error) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch %s: %w", path, err)
	}
	folders := []string{filepath.Dir(path)}
	if target, err := filepath.EvalSymlinks(path); err == nil && filepath.Dir(target) != folders[0] {
		folders = append(folders, filepath.Dir(target))
	}
	for _, folder := range folders {
		if err := watcher.Add(folder); err != nil {
			watcher.Close() //nolint:errcheck,gosec // the error before is the one to tell
			return nil, fmt.Errorf("watch %s: %w", folder, err)
		}
	}
	go func() {
		timer := time.NewTimer(0)
		<-timer.C
		for {
			select {
			case _, ok := <-watcher.Events:
				if !ok {
					timer.Stop()
					return
				}
				timer.Reset(settleTime)
			case _, ok := <-watcher.Errors:
				if !ok {
					timer.Stop()
					return
				}
				timer.Reset(settleTime) // events were lost: look at the file
			case <-timer.C:
				changed()
			}
		}
	}()
	return watcher, nil
}
