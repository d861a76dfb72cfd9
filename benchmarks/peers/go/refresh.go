// SPDX-License-Identifier: Apache-2.0

// Refreshes as a Go service does them: golang.org/x/oauth2 for the token endpoint, bbolt for the
// tokens, as JSON and in the clear, 256 to a synced transaction. Nothing is encrypted, wiped, or
// recorded before it is sent.
//
// `as-it-comes`: with the HTTP client that x/oauth2 takes where nobody gives it one, which keeps
// two idle connections to a host and opens others anew. `kept`: with as many kept as are in flight.
//
//    refresh as-it-comes|kept <home> <url> <in flight> <refreshes> [<CA file>]
package main

import (
    "context"
    "crypto/tls"
    "crypto/x509"
    "encoding/json"
    "fmt"
    "log"
    "net/http"
    "os"
    "path/filepath"
    "strconv"
    "strings"
    "sync"
    "syscall"
    "time"

    "go.etcd.io/bbolt"
    "golang.org/x/oauth2"
)

const commitCount = 256

var bucketName = []byte("tokens")

type refreshed struct {
    key   []byte
    token *oauth2.Token
}

func check(err error) {
    if err != nil {
        log.Fatal(err)
    }
}

func key(number int) []byte { return []byte(fmt.Sprintf("connection-%d", number)) }

// Every token has expired: each is refreshed when it is asked for.
func fill(db *bbolt.DB, count int) {
    expired := &oauth2.Token{
        AccessToken: strings.Repeat("a", 704), RefreshToken: strings.Repeat("r", 96),
        TokenType: "Bearer", Expiry: time.Now().Add(-time.Hour),
    }
    value, err := json.Marshal(expired)
    check(err)
    check(db.Update(func(tx *bbolt.Tx) error {
        bucket, err := tx.CreateBucketIfNotExists(bucketName)
        for number := 0; number < count && err == nil; number++ {
            err = bucket.Put(key(number), value)
        }
        return err
    }))
}

func stored(db *bbolt.DB, number int) *oauth2.Token {
    token := new(oauth2.Token)
    check(db.View(func(tx *bbolt.Tx) error {
        return json.Unmarshal(tx.Bucket(bucketName).Get(key(number)), token)
    }))
    return token
}

// Makes tokens durable in the order in which they come.
func commit(db *bbolt.DB, results <-chan refreshed) {
    open := true
    for open {
        batch := make([]refreshed, 0, commitCount)
        for len(batch) < commitCount && open {
            var result refreshed
            if result, open = <-results; open {
                batch = append(batch, result)
            }
        }
        check(db.Update(func(tx *bbolt.Tx) error {
            bucket := tx.Bucket(bucketName)
            for _, result := range batch {
                value, err := json.Marshal(result.token)
                if err == nil {
                    err = bucket.Put(result.key, value)
                }
                if err != nil {
                    return err
                }
            }
            return nil
        }))
    }
}

func client(idle int, certificates string) *http.Client {
    transport := http.DefaultTransport.(*http.Transport).Clone()
    if idle > 0 {
        transport.MaxIdleConns, transport.MaxIdleConnsPerHost = idle, idle
    }
    if certificates != "" {
        file, err := os.ReadFile(certificates)
        check(err)
        pool := x509.NewCertPool()
        pool.AppendCertsFromPEM(file)
        transport.TLSClientConfig = &tls.Config{RootCAs: pool}
    }
    transport.ForceAttemptHTTP2 = false
    return &http.Client{Transport: transport}
}

func refreshAll(db *bbolt.DB, config *oauth2.Config, client *http.Client, inFlight, count int) {
    ctx := context.WithValue(context.Background(), oauth2.HTTPClient, client)
    results := make(chan refreshed, commitCount)
    numbers := make(chan int)
    var workers sync.WaitGroup
    for worker := 0; worker < inFlight; worker++ {
        workers.Add(1)
        go func() {
            defer workers.Done()
            for number := range numbers {
                token, err := config.TokenSource(ctx, stored(db, number)).Token()
                check(err)
                results <- refreshed{key(number), token}
            }
        }()
    }
    go func() {
        for number := 0; number < count; number++ {
            numbers <- number
        }
        close(numbers)
        workers.Wait()
        close(results)
    }()
    commit(db, results)
}

func cpu() time.Duration {
    var usage syscall.Rusage
    check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
    return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func main() {
    if len(os.Args) < 6 || (os.Args[1] != "kept" && os.Args[1] != "as-it-comes") {
        log.Fatal("usage: refresh as-it-comes|kept <home> <url> <in flight> <refreshes> [<CA file>]")
    }
    inFlight, err := strconv.Atoi(os.Args[4])
    check(err)
    count, err := strconv.Atoi(os.Args[5])
    check(err)
    idle := 0
    if os.Args[1] == "kept" {
        idle = inFlight
    }
    certificates := ""
    if len(os.Args) > 6 {
        certificates = os.Args[6]
    }
    db, err := bbolt.Open(filepath.Join(os.Args[2], "go.db"), 0o600, nil)
    check(err)
    fill(db, count)
    config := &oauth2.Config{
        ClientID: "benchmark", ClientSecret: strings.Repeat("a", 32),
        Endpoint: oauth2.Endpoint{TokenURL: os.Args[3], AuthStyle: oauth2.AuthStyleInHeader},
    }
    client := client(idle, certificates)

    cpuBefore, start := cpu(), time.Now()
    refreshAll(db, config, client, inFlight, count)
    wall, spent := time.Since(start), cpu()-cpuBefore
    for number := 0; number < count; number++ {
        if !stored(db, number).Valid() {
            log.Fatal("a connection that was not refreshed")
        }
    }
    fmt.Printf("%.1f %.1f\n", float64(spent)/float64(count), float64(wall)/float64(count))
    check(db.Close())
}
