module signing

go 1.19
