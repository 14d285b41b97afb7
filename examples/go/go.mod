module example/capgo

go 1.21
